import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The resources of one target. Pure.
struct AWSExpansion {
    private let target: Target
    private let cluster: Cluster
    private let settings: AWSTarget
    private let hubs: HostMachines?
    private var cloud: CloudTarget { settings.cloud }

    init(_ target: Target, of cluster: Cluster, hubVersion: String) throws {
        self.target = target
        self.cluster = cluster
        settings = try AWSTarget(target, of: cluster)
        hubs =
            settings.cloud.hasHubs(cluster) ? try HostMachines(target, of: cluster, hubVersion: hubVersion) : nil
        let placed = cluster.functions.first { $0.placement?.contains(target.name) ?? true }
        guard let placed, hubs == nil else { return }
        throw DiagnosticsError([
            Diagnostic(
                .error, .missingKey,
                "target \(target.name) has no hubs, and the function \(placed.name) is placed on it",
                at: target.spans["access"],
                help: "a hub needs spec.hub.image or spec.hub.archive, and access.ssh with `from` and `publicKey`")
        ])
    }

    /// Of what a target has one of.
    private static let main = "main"

    func expansion() -> Expansion {
        var found = Expansion(resources: network(), shared: hubs?.shared ?? [])
        for (index, name) in cloud.machines.enumerated() {
            let subnet = index % cloud.subnets.count
            found.resources.append(instance(name, subnet))
            if settings.elasticAddresses {
                found.resources.append(
                    declare(
                        ElasticAddress.type, name, ["instance": id(Instance.type, name)],
                        spans: ["instance": "aws.elasticAddresses"]))
            }
            guard let hubs else { continue }
            let zone = "\(target.name) \(settings.zones[subnet])"
            found.resources.append(hostKeys(name))
            found.resources += hubs.resources(name, login: login(name), domain: zone, on: address(Instance.type, name))
            found.machines.append(
                hubs.machine(
                    name, domain: zone, address: reached(name), labels: ["zone": settings.zones[subnet]]))
        }
        return found
    }

    private func network() -> [ResourceDeclaration] {
        let vpc = id(VPC.type, Self.main)
        let subnets = cloud.subnets.indices.map { String($0 + 1) }
        var found = [
            declare(VPC.type, Self.main, ["cidr": .string(cloud.network.description)], spans: ["cidr": "network.cidr"])
        ]
        for (index, name) in subnets.enumerated() {
            found.append(
                declare(
                    Subnet.type, name,
                    [
                        "vpc": vpc, "cidr": .string(cloud.subnets[index].description),
                        "zone": .string(settings.zones[index]), "publicAddresses": .bool(cloud.publicAddress),
                    ],
                    spans: [
                        "cidr": "network.cidr", "zone": "aws.zones", "publicAddresses": "machines.publicAddress",
                    ]))
        }
        found.append(declare(InternetGateway.type, Self.main, ["vpc": vpc]))
        found.append(
            declare(
                RouteTable.type, Self.main,
                [
                    "vpc": vpc, "gateway": id(InternetGateway.type, Self.main),
                    "subnets": .list(subnets.map { id(Subnet.type, $0) }),
                ], spans: ["subnets": "network.subnets"]))
        let rules = cloud.rules.map { rule in
            let text = SecurityRule(
                transport: "tcp", first: String(rule.port), last: String(rule.port), source: rule.source.description)
            return (text.text, Value.string(rule.purpose.rawValue))
        }
        found.append(
            declare(
                SecurityGroup.type, Self.main,
                [
                    "vpc": vpc, "name": .string("osiris-\(cluster.name)-\(target.name)"),
                    // One port may be let in for two purposes.
                    "rules": .map(Dictionary(rules) { first, _ in first }),
                ], spans: ["rules": "access"]))
        if let key = cloud.publicKey {
            found.append(
                declare(
                    KeyPair.type, Self.main, ["name": .string(keyName(key)), "publicKey": .string(key)],
                    spans: ["publicKey": "access.ssh.publicKey", "name": "access.ssh.publicKey"],
                    // So that everything in the target needs its network, and nothing is begun that cannot be ended.
                    after: [address(VPC.type, Self.main)]))
        }
        return found
    }

    /// Another key has another name: an instance takes its key at its first start alone, so it is replaced with it.
    private func keyName(_ key: String) -> String {
        "osiris-\(cluster.name)-\(target.name)-\(Digest.sha256(key.utf8).drop { $0 != ":" }.dropFirst().prefix(8))"
    }

    private func instance(_ name: String, _ subnet: Int) -> ResourceDeclaration {
        var arguments: Attributes = [
            "image": .string(cloud.image), "type": .string(cloud.machineType),
            "subnet": id(Subnet.type, String(subnet + 1)),
            "securityGroups": [id(SecurityGroup.type, Self.main)],
        ]
        if cloud.publicAddress { arguments["publicAddress"] = true }
        arguments["disk"] = cloud.disk.map(InstanceDisk.value)
        if cloud.publicKey != nil {
            arguments["key"] = .reference(
                AttributeReference(address(KeyPair.type, Self.main), "name"))
        }
        if hubs != nil {
            arguments["boot"] = .string(FirstBootSteps.types(of: cluster).joined(separator: ", "))
        }
        return declare(
            Instance.type, name, arguments,
            spans: [
                "image": "machines.image", "type": "machines.type", "disk": "machines.disk",
                "publicAddress": "machines.publicAddress", "key": "access.ssh.publicKey", "subnet": "network.subnets",
            ],
            // Without a way to the internet its first start would come to nothing.
            after: [address(RouteTable.type, Self.main)])
    }

    private func hostKeys(_ name: String) -> ResourceDeclaration {
        var arguments: Attributes = ["instance": id(Instance.type, name), "region": .string(cloud.region)]
        arguments["account"] = settings.account.value
        return ResourceDeclaration(
            address: address(HostKeys.type, name), provider: AWSProvider.kind, attributes: arguments,
            parent: address(Instance.type, name), spans: target.spans)
    }

    /// Where a machine is reached.
    private func reached(_ name: String) -> Value {
        let (type, attribute) =
            settings.elasticAddresses
            ? (ElasticAddress.type, "publicIP") : (Instance.type, HostMachines.addressAttribute)
        return .reference(AttributeReference(address(type, name), attribute))
    }

    private func login(_ name: String) -> Value {
        cloud.login(
            address: reached(name), user: ImageName.user(of: cloud.image),
            keys: .reference(AttributeReference(address(HostKeys.type, name), "keys")))
    }

    private func address(_ type: ResourceType, _ name: String) -> ResourceAddress {
        ResourceAddress(target: target.name, type: type.name, name: name)
    }

    private func id(_ type: ResourceType, _ name: String) -> Value {
        .reference(AttributeReference(address(type, name), "id"))
    }

    /// With what every resource of the target has.
    /// - Parameter spans: where an argument stands in the manifest, below the target.
    private func declare(
        _ type: ResourceType, _ name: String, _ arguments: Attributes, spans: [String: String] = [:],
        after: [ResourceAddress] = []
    ) -> ResourceDeclaration {
        var arguments = arguments
        arguments["region"] = .string(cloud.region)
        arguments["account"] = settings.account.value
        // Instances that one call makes have the same tags.
        let isAlike = name == Self.main || type.name == Instance.type.name
        let label = isAlike ? "\(cluster.name) \(target.name)" : "\(cluster.name) \(target.name) \(name)"
        arguments["tags"] = .map(cloud.tags.mapValues(Value.string).merging(["Name": .string(label)]) { $1 })
        var places = target.spans
        for (argument, path) in spans { places = places.adding(target.spans[path], at: argument) }
        return ResourceDeclaration(
            address: address(type, name), provider: AWSProvider.kind, attributes: arguments, dependsOn: after,
            spans: places)
    }
}
