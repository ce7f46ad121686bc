import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What the EC2 types have in common: how they are listed, found by their marks, made once, and removed. A type adds what
/// its objects consist of.
protocol EC2Handler: ResourceHandler {
    var ec2: EC2 { get }
    var kind: EC2Kind { get }

    /// What a listing says about an object.
    /// - Parameter recorded: for what a listing cannot say at the moment.
    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes
    /// More than its own listing says, by identity; by default nothing.
    func more(_ requests: [Attributes], _ question: Listings.Question) async throws -> [String: Attributes]
    /// True for an object that is listed and has ended; by default never.
    func hasEnded(_ item: XMLNode) -> Bool
    /// Makes the object with all its tags, in one call.
    /// - Returns: its identity and its attributes so far.
    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes)
    /// Brings an object that is there to the planned arguments, wherever it begins: the end of a create, and an update.
    /// - Returns: all attributes but those that all types have.
    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes
    /// Removes the object. It being gone already is success.
    func remove(_ step: EC2Step, _ id: String) async throws
}

extension EC2Handler {
    func more(_ requests: [Attributes], _ question: Listings.Question) async throws -> [String: Attributes] { [:] }
    func hasEnded(_ item: XMLNode) -> Bool { false }

    func question(_ place: AWSPlace, _ cluster: Cluster) -> Listings.Question {
        Listings.Question(kind: kind, place: place, cluster: cluster.name)
    }

    /// Those of the listed objects that are there.
    func living(_ items: [XMLNode]) -> [XMLNode] {
        items.filter { !hasEnded($0) && !ec2.book.isRemoved($0.text(kind.id) ?? "") }
    }

    /// All attributes of an object.
    /// - Parameter account: as recorded or planned.
    func whole(_ item: XMLNode, recorded: Attributes, region: String, account: Value?, of cluster: String)
        -> Attributes
    {
        var found = attributes(item, recorded: recorded)
        found["id"] = item.text(kind.id).map(Value.string)
        found["region"] = .string(region)
        found["account"] = account
        // Tags that others put on it are left alone.
        let own = item.tags.filter { key, _ in
            guard !key.hasPrefix(CloudMarks.prefix), !key.hasPrefix("aws:") else { return false }
            return recorded["tags"].map { $0.mapValue?[key] != nil } ?? true
        }
        found["tags"] = .map(own.mapValues(Value.string))
        found["marked"] = .bool(CloudMarks(item)?.cluster == cluster)
        return found
    }
}

// MARK: Reading

extension EC2Handler {
    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        var results = [ReadResult](repeating: .absent, count: requests.count)
        var byPlace: [AWSPlace: [Int]] = [:]
        for (index, request) in requests.enumerated() {
            do {
                byPlace[try ec2.place(of: request.address, request.recorded, in: cluster), default: []].append(index)
            } catch {
                results[index] = .unreadable("\(error)")
            }
        }
        for (place, indices) in byPlace {
            do {
                let found = try await look(indices.map { requests[$0] }, place, cluster)
                for (index, result) in zip(indices, found) { results[index] = result }
            } catch {
                var reason = "\(error)"
                if let error = error as? AWSError {
                    reason = ([error.description] + [error.help].compactMap(\.self)).joined(separator: "; ")
                }
                for index in indices { results[index] = .unreadable(reason) }
            }
        }
        return results
    }

    private func look(_ requests: [ReadRequest], _ place: AWSPlace, _ cluster: Cluster) async throws -> [ReadResult] {
        let question = question(place, cluster)
        var items = try await ec2.listings.fresh(question)
        let listed = Set(items.compactMap { $0.text(kind.id) })
        let missing = requests.compactMap { $0.recorded["id"]?.stringValue }.filter { !listed.contains($0) }
        // One whose tags somebody took away is there all the same.
        for start in stride(from: 0, to: missing.count, by: 200) {
            let ids = Array(missing[start..<min(start + 200, missing.count)])
            items += try await ec2.client.items(kind, [kind.idFilter: ids], place)
        }
        let more = try await more(requests.map(\.recorded), question)
        let present = living(items)
        let byID = Dictionary(present.map { ($0.text(kind.id) ?? "", $0) }) { first, _ in first }
        var byAddress: [ResourceAddress: [String]] = [:]
        for item in present {
            if let marks = CloudMarks(item) {
                byAddress[marks.address, default: []].append(item.text(kind.id) ?? "")
            }
        }
        return requests.map { request in
            let id = request.recorded["id"]?.stringValue ?? ""
            let others = (byAddress[request.address] ?? []).filter { $0 != id }
            guard let item = byID[id] else { return .absent }
            if request.isImport, let marks = CloudMarks(item),
                marks.cluster != cluster.name || marks.address != request.address
            {
                return .unreadable("\(id) has the marks of `\(marks.address)` of the cluster `\(marks.cluster)`")
            }
            if !others.isEmpty {
                return .unreadable(
                    "the state has \(id) in \(place.region), and \(others.sorted().joined(separator: " and ")) "
                        + "\(others.count == 1 ? "has" : "have") the marks of \(request.address) too; remove what is not "
                        + "in use")
            }
            var found = whole(
                item, recorded: request.recorded, region: place.region, account: request.recorded["account"],
                of: cluster.name)
            if let more = more[id] { found.merge(more) { $1 } }
            return .present(found)
        }
    }

    func discover(_ request: DiscoveryRequest) async -> Discovery {
        var discovery = Discovery()
        for (place, account) in AWSAccount.places(of: request.cluster) {
            do {
                let question = question(place, request.cluster)
                let items = living(try await ec2.listings.fresh(question))
                let sized = AWSTarget.namesWithDisk(request.cluster)
                let more = try await more(sized.isEmpty ? [] : [["disk": 0]], question)
                for item in items {
                    guard let marks = CloudMarks(item), marks.address.type == type.name,
                        let id = item.text(kind.id)
                    else { continue }
                    var found = whole(
                        item, recorded: [:], region: place.region, account: account,
                        of: request.cluster.name)
                    // A size that nobody asked for is the image's.
                    if let more = more[id], sized.contains(String(marks.address.target)) { found.merge(more) { $1 } }
                    discovery.resources.append(
                        DiscoveredResource(
                            address: marks.address, attributes: found,
                            lineage: marks.lineage.isEmpty ? nil : marks.lineage, operation: marks.operation,
                            place: "\(kind.tagged) \(id) in \(place.region)"))
                }
            } catch {
                let reason = (error as? AWSError)?.description ?? "\(error)"
                discovery.unreadable.append(UnreadablePlace("AWS region \(place.region)", reason))
            }
        }
        return discovery
    }
}

// MARK: Changing

extension EC2Handler {
    func create(_ request: OperationRequest) async throws -> Attributes {
        let step = try EC2Step(ec2, request)
        let isRepeated = ec2.book.begin(request.token)
        let items = try await listed(step, within: isRepeated ? .zero : nil)
        let ours = items.filter { CloudMarks($0)?.address == request.address }
        if let late = ours.first(where: { CloudMarks($0)?.fences(request.owner) ?? false }) {
            throw Self.fenced(late, step, kind)
        }
        let mine = ours.filter { CloudMarks($0)?.isMade(by: request.token) ?? false }
        if let other = ours.first(where: { !(CloudMarks($0)?.isMade(by: request.token) ?? false) }) {
            throw ProviderError(
                .rejected,
                "\(request.address): \(other.text(kind.id) ?? "an object") in \(place(step)) has the marks of this "
                    + "address already, and the state does not know it",
                help: "`osiris state rebuild` takes it over; or remove it, or give the cluster another name")
        }
        guard mine.count < 2 else {
            throw ProviderError(
                .rejected,
                "\(request.address): \(mine.compactMap { $0.text(kind.id) }.joined(separator: " and ")) were made by one "
                    + "operation", help: "remove all but one, then apply again")
        }
        let (id, present): (String, Attributes)
        if let item = mine.first, let found = item.text(kind.id) {
            (id, present) = (found, attributes(item, recorded: request.planned))
        } else {
            (id, present) = try await make(step)
            ec2.book.made(id)
        }
        return finished(try await bring(step, id, from: present), step, id)
    }

    func update(_ request: OperationRequest) async throws -> Attributes {
        let step = try EC2Step(ec2, request)
        guard let id = request.prior["id"]?.stringValue else {
            throw ProviderError(
                .rejected, "\(request.address): its identity is not known", help: "plan and apply again")
        }
        try await checkFence(step, id)
        // First of all, because by its marks it is listed.
        try await mark(step, id)
        return finished(try await bring(step, id, from: request.prior), step, id)
    }

    func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        let step = try EC2Step(ec2, request)
        guard let id = request.prior["id"]?.stringValue else {
            throw ProviderError(.rejected, "\(from): its identity is not known", help: "plan and apply again")
        }
        try await checkFence(step, id)
        // All of them: one that was made in a call with others has theirs too.
        try await put(CloudMarks(request).tags, on: id, step)
    }

    func delete(_ request: OperationRequest) async throws {
        guard let id = request.prior["id"]?.stringValue else { return }
        let step = try EC2Step(ec2, request)
        try await checkFence(step, id)
        try await remove(step, id)
        ec2.book.removed(id)
    }

    /// EC2 has no condition on a write. What can be done: whoever comes later leaves its number on the object, and whoever
    /// is late looks before it writes.
    func fence(_ request: OperationRequest) async throws {
        let step = try EC2Step(ec2, request)
        let items = try await listed(step, within: .zero)
        for item in items where CloudMarks(item)?.address == request.address {
            guard let id = item.text(kind.id), let marks = CloudMarks(item) else { continue }
            if marks.fences(request.owner) { throw Self.fenced(item, step, kind) }
            guard request.owner.isFenced, marks.lineage == request.owner.lineage else { continue }
            try await put([CloudMarks.Key.fence.text: String(request.owner.fencing)], on: id, step)
        }
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution {
        let step = try EC2Step(ec2, request)
        let items = try await listed(step, within: .zero).filter { item in
            guard let marks = CloudMarks(item) else { return false }
            return marks.address == request.address && marks.isMade(by: request.token)
        }
        if items.count > 1 {
            return .ambiguous(items.map { "\(kind.tagged) \($0.text(kind.id) ?? "") in \(place(step))" })
        }
        guard let item = items.first, let id = item.text(kind.id) else {
            if let since = ec2.book.unseen(request), ContinuousClock.now - since < ec2.pace.listing {
                return .unknownYet("it is not listed, which a new object may not be at first")
            }
            return .notLanded
        }
        var found = whole(
            item, recorded: request.planned, region: step.place.region, account: request.planned["account"],
            of: request.cluster.name)
        let more = try await more([request.planned], question(step.place, request.cluster))
        if let more = more[id] { found.merge(more) { $1 } }
        // What was not planned is meant to be as by default.
        let open = type.schema.fields.filter { field in
            guard field.role == .argument else { return false }
            let planned = request.planned[field.name].flatMap { $0 == .null ? nil : $0 } ?? field.defaultValue
            return planned.map(field.canonical) != found[field.name].map(field.canonical) && planned != nil
        }
        .map(\.name)
        if open.isEmpty && isWhole(found) { return .landed(found) }
        return .unfinished(found, "its create was cut off before \(open.first.map { "`\($0)`" } ?? "it ran")")
    }

    /// False while a computed attribute is missing that comes with time.
    private func isWhole(_ found: Attributes) -> Bool {
        type.schema.fields.allSatisfy { field in
            field.role != .computed || field.presentWith != nil || field.volatile || found[field.name] != nil
        }
    }

    /// - Parameter age: how old the listing may be; nil for any age.
    private func listed(_ step: EC2Step, within age: Duration?) async throws -> [XMLNode] {
        let question = question(step.place, step.request.cluster)
        do {
            return living(try await step.heard { try await ec2.listings.known(question, within: age) })
        } catch let error as AWSError {
            throw error.providerError(step.request.address.text)
        }
    }

    private func checkFence(_ step: EC2Step, _ id: String) async throws {
        guard step.request.owner.isFenced else { return }
        let items = try await listed(step, within: ec2.pace.fence)
        guard let item = items.first(where: { $0.text(kind.id) == id }), let marks = CloudMarks(item),
            marks.fences(step.request.owner)
        else { return }
        throw Self.fenced(item, step, kind)
    }

    private static func fenced(_ item: XMLNode, _ step: EC2Step, _ kind: EC2Kind) -> ProviderError {
        ProviderError(
            .fenced,
            "\(step.request.address): \(item.text(kind.id) ?? kind.tagged) was changed by a later run (lock "
                + "\(CloudMarks(item)?.fence ?? 0), this run has \(step.request.owner.fencing))")
    }

    private func place(_ step: EC2Step) -> String { step.place.region }

    /// Brings the tags of an object that was there before.
    private func mark(_ step: EC2Step, _ id: String) async throws {
        let (prior, planned) = (step.request.prior, step.request.planned)
        let before = prior["tags"]?.mapValue ?? [:]
        let after = planned["tags"]?.mapValue ?? [:]
        if prior["marked"] == false {
            try await put(step.tags, on: id, step)
        } else {
            let changed = after.filter { before[$0.key] != $0.value }.compactMapValues(\.stringValue)
            if !changed.isEmpty { try await put(changed, on: id, step) }
        }
        let gone = before.keys.filter { after[$0] == nil }.sorted()
        guard !gone.isEmpty else { return }
        var parameters = QueryParameters()
        parameters["ResourceId.1"] = id
        for (index, key) in gone.enumerated() { parameters["Tag.\(index + 1).Key"] = key }
        try await step.call("DeleteTags", parameters)
    }

    private func put(_ tags: [String: String], on id: String, _ step: EC2Step) async throws {
        do {
            try await step.patiently { try await ec2.marking.add(id, to: EC2.Marking(place: step.place, tags: tags)) }
        } catch let error as AWSError {
            throw step.failure(error)
        }
    }

    private func finished(_ found: Attributes, _ step: EC2Step, _ id: String) -> Attributes {
        var found = found
        found["id"] = .string(id)
        for name in ["region", "account", "tags"] { found[name] = step.request.planned[name] }
        found["marked"] = true
        return found.filter { $0.value != .null }
    }
}
