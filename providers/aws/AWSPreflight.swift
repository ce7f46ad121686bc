import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

extension AWSProvider {
    /// Looks at each account and region that a plan is about to change, all at once: who calls, what the credentials allow,
    /// whether image and instance type are there, and whether somebody has the names already.
    public func preflight(_ changes: [PreflightChange], of cluster: Cluster) async -> [PreflightFault] {
        let byTarget = Dictionary(grouping: changes.filter { $0.address == $0.root }) { String($0.root.target) }
        return await withTaskGroup(of: [PreflightFault].self) { group in
            for (name, changes) in byTarget {
                group.addTask { await AWSPreflight(self, name, changes, cluster).faults() }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }
}

/// The look at one target.
private struct AWSPreflight {
    private let provider: AWSProvider
    private let target: String
    private let changes: [PreflightChange]
    private let cluster: Cluster

    init(_ provider: AWSProvider, _ target: String, _ changes: [PreflightChange], _ cluster: Cluster) {
        (self.provider, self.target, self.changes, self.cluster) = (provider, target, changes, cluster)
    }

    private var client: AWSClient { provider.ec2.client }

    /// What is in the way of everything comes alone; everything else together.
    func faults() async -> [PreflightFault] {
        guard let first = changes.min(by: { $0.address < $1.address }) else { return [] }
        let place: AWSPlace
        do {
            place = try provider.ec2.place(of: first.address, first.planned, in: cluster)
            _ = try await client.call("GetCallerIdentity", service: .sts, at: place)
        } catch let error as AWSError {
            return [fault(network, .cloudCredentials, error)]
        } catch {
            return [PreflightFault(root: network, code: .cloudCredentials, message: "\(error)", source: source("aws"))]
        }
        let looks: [@Sendable () async throws -> [PreflightFault]] = [
            { try await denied(place) }, { try await missing(place) }, { try await notOffered(place) },
            { try await taken(place) }, { await tooMany(place) }, { try await shrunk(place) },
        ]
        return await withTaskGroup(of: [PreflightFault].self) { group in
            for look in looks {
                group.addTask {
                    do { return try await look() } catch {
                        // What cannot be asked beforehand is seen when it is done.
                        return []
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
                .sorted { ($0.code.rawValue, $0.message) < ($1.code.rawValue, $1.message) }
        }
    }

    /// The place of a setting of the target.
    private func source(_ path: String) -> SourceSpan? { cluster.targets.first { $0.name == target }?.spans[path] }

    /// Everything in a target needs its network.
    private var network: ResourceAddress { ResourceAddress(target: target, type: VPC.type.name, name: "main") }

    private func made(_ type: ResourceType) -> [PreflightChange] {
        changes.filter { $0.action != .update && $0.action != .move && $0.address.type == type.name }
    }

    // MARK: Looks

    /// EC2 says whether a call would be allowed without doing it.
    private func denied(_ place: AWSPlace) async throws -> [PreflightFault] {
        var asked: [(PreflightChange, String, QueryParameters)] = []
        if let vpc = made(VPC.type).first {
            asked.append((vpc, "CreateVpc", ["CidrBlock": vpc.planned["cidr"]?.stringValue ?? ""]))
        }
        if let address = made(ElasticAddress.type).first {
            asked.append((address, "AllocateAddress", ["Domain": "vpc"]))
        }
        if let instance = made(Instance.type).first {
            let type = instance.planned["type"]?.stringValue ?? ""
            let image = try? await provider.images.find(
                instance.planned["image"]?.stringValue ?? "", type: type, at: place, for: instance.address)
            if let image {
                asked.append(
                    (
                        instance, "RunInstances",
                        ["ImageId": image.id, "InstanceType": type, "MinCount": "1", "MaxCount": "1"]
                    ))
            }
        }
        return try await withThrowingTaskGroup(of: PreflightFault?.self) { group in
            for (change, action, parameters) in asked {
                group.addTask {
                    // Another refusal than that of the right to call says nothing about it.
                    let isAllowed = try? await client.isAllowed(action, parameters, at: place) { answer in
                        // An emulator that knows no dry run has made it.
                        guard let id = answer.text("vpc/vpcId") else { return }
                        _ = try await client.call("DeleteVpc", ["VpcId": id], at: place)
                    }
                    guard isAllowed == false else { return nil }
                    return PreflightFault(
                        root: change.root, code: .cloudNotAllowed,
                        message: "the credentials do not allow \(action) in \(place.region)",
                        help: "allow it in their policy; docs/providers/aws.md has one that is enough",
                        source: source("aws"))
                }
            }
            return try await group.reduce(into: []) { if let fault = $1 { $0.append(fault) } }
        }
    }

    private func missing(_ place: AWSPlace) async throws -> [PreflightFault] {
        var seen: Set<String> = []
        var faults: [PreflightFault] = []
        for change in made(Instance.type) {
            let image = change.planned["image"]?.stringValue ?? ""
            guard seen.insert(image).inserted else { continue }
            do {
                _ = try await provider.images.find(
                    image, type: change.planned["type"]?.stringValue ?? "", at: place, for: change.address)
            } catch let error as ProviderError {
                // Without it no machine of the target comes about.
                faults.append(
                    PreflightFault(
                        root: network, code: .cloudMissing, message: error.message, help: error.help,
                        source: source("machines.image")))
            }
        }
        return faults
    }

    /// Not every zone has every type.
    private func notOffered(_ place: AWSPlace) async throws -> [PreflightFault] {
        let types = Set(made(Instance.type).compactMap { $0.planned["type"]?.stringValue })
        guard !types.isEmpty, let target = cluster.targets.first(where: { $0.name == target }),
            let settings = try? AWSTarget(target, of: cluster)
        else { return [] }
        var parameters: QueryParameters = ["LocationType": "availability-zone"]
        parameters.filter("instance-type", types.sorted())
        let offered = try await client.list(
            "DescribeInstanceTypeOfferings", parameters, items: "instanceTypeOfferingSet", at: place)
        let zones = Set(offered.compactMap { $0.text("location") })
        let without = Set(settings.zones).subtracting(zones).sorted()
        if without.isEmpty { return [] }
        let type = types.sorted().joined(separator: ", ")
        let found = zones.isEmpty ? "no zone" : "the zones \(zones.sorted().joined(separator: ", "))"
        return [
            PreflightFault(
                root: network, code: .cloudMissing,
                message: "\(without.joined(separator: ", ")) does not offer \(type); \(found) of \(place.region) do",
                help: "set `aws.zones`, or another `machines.type`", source: source("machines.type"))
        ]
    }

    /// A key pair's name is one of its kind in the region.
    private func taken(_ place: AWSPlace) async throws -> [PreflightFault] {
        guard let key = made(KeyPair.type).first(where: { $0.action == .create }),
            let name = key.planned["name"]?.stringValue
        else { return [] }
        var parameters = QueryParameters()
        parameters.filter("key-name", [name])
        let found = try await client.list("DescribeKeyPairs", parameters, items: "keySet", at: place)
        guard let other = found.first, CloudMarks(other)?.address != key.address else { return [] }
        return [
            PreflightFault(
                root: key.root, code: .cloudTaken,
                message: "\(place.region) has a key pair `\(name)` already, without the marks of this cluster",
                help: "remove it, or give the cluster or the target another name", source: source("access"))
        ]
    }

    /// A disk only grows; one of which nobody asked for the size has that of its image.
    private func shrunk(_ place: AWSPlace) async throws -> [PreflightFault] {
        let kept = changes.filter { $0.action == .update && $0.address.type == Instance.type.name }
        let wanted = kept.filter { InstanceDisk.bytes($0.planned) != nil }
        let unread = wanted.contains { InstanceDisk.bytes($0.prior) == nil }
        let sizes = unread ? try await InstanceDisk(ec2: provider.ec2).sizes(place, of: cluster.name) : [:]
        return wanted.compactMap { change in
            let id = change.prior["id"]?.stringValue ?? ""
            guard let disk = InstanceDisk.bytes(change.planned),
                let size = InstanceDisk.bytes(change.prior) ?? sizes[id], disk < size
            else { return nil }
            return PreflightFault(
                root: change.root, code: .outOfRange, message: InstanceDisk.refusal(size, disk),
                help: InstanceDisk.help(size), source: source("machines.disk"))
        }
    }

    /// What the account may not have. A quota that cannot be read says nothing.
    private func tooMany(_ place: AWSPlace) async -> [PreflightFault] {
        let quotas = AWSQuotas(client, place)
        let new = changes.filter { $0.action == .create }
        let made = { (type: ResourceType) in Set(new.map(\.address).filter { $0.type == type.name }) }
        let types = new.filter { $0.address.type == Instance.type.name }.compactMap { $0.planned["type"]?.stringValue }
        let machines = Dictionary(grouping: types) { $0 }.mapValues(\.count)
        let (networks, addresses) = (made(VPC.type), made(ElasticAddress.type))
        async let network = networks.isEmpty ? nil : try? quotas.networks(networks)
        async let address = addresses.isEmpty ? nil : try? quotas.addresses(addresses)
        async let processors = machines.isEmpty ? nil : try? quotas.processors(machines)
        return await [network, address, processors].compactMap(\.self).map { excess in
            PreflightFault(
                root: self.network, code: .cloudQuota,
                message: "the account may have \(excess.limit) \(excess.what) in \(place.region), and would need "
                    + "\(excess.wanted)", help: "ask AWS for a higher quota, or remove what is not needed",
                source: source("machines"))
        }
    }

    private func fault(_ root: ResourceAddress, _ code: DiagnosticCode, _ error: AWSError) -> PreflightFault {
        PreflightFault(
            root: root, code: code, message: error.description, help: error.help, source: source("aws"))
    }
}
