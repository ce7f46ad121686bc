import OsirisModel

/// An object of a store as its lines left it.
struct StoredObject: Sendable {
    var id: String
    var address: ResourceAddress
    /// `SimulatedChain.rank` of the address.
    var rank: Int
    /// Token of the create.
    var createToken: String
    /// Token of the last line.
    var lastToken: String
    var attributes: Attributes
}

/// What the lines of a store add up to: the objects alive, found by machine. A plain value; no file in sight.
///
/// An object is present only while everything it stands on is: an image on an engine that somebody deleted is gone,
/// although no line says so.
struct ObjectFold: Sendable {
    private var objects: [StoredObject?] = []
    private var byID: [String: Int] = [:]
    private var byMachine: [String: [Int]] = [:]
    /// Equal attributes are kept once: a thousand machines run the same functions.
    private var shared: [Attributes: Attributes] = [:]
    /// Addresses that changed by themselves before; that happens at most once to each.
    private(set) var touchedOutside: Set<String> = []
    /// By lineage: the highest fence of all lines.
    private(set) var fences: [String: Int] = [:]

    var count: Int { byID.count }

    mutating func apply(_ line: StoreLine) {
        if let fence = line.fence { fences[fence.lineage] = max(fences[fence.lineage] ?? 0, fence.number) }
        switch line.operation {
        case .fence: break
        case .create: create(line)
        case .update:
            guard let index = byID[line.id], var object = objects[index] else { return }
            object.attributes = share(Self.merge(line.attributes, into: object.attributes))
            object.lastToken = line.token
            objects[index] = object
            if line.token == StoreLine.outside { touchedOutside.insert(object.address.text) }
        case .delete:
            guard let index = byID.removeValue(forKey: line.id), let object = objects[index] else { return }
            objects[index] = nil
            byMachine[SimulatedChain.machineKey(object.address)]?.removeAll { $0 == index }
            if line.token == StoreLine.outside { touchedOutside.insert(object.address.text) }
        }
    }

    private mutating func create(_ line: StoreLine) {
        guard let address = ResourceAddress(line.address) else { return }
        let object = StoredObject(
            id: line.id, address: address, rank: SimulatedChain.rank(address), createToken: line.token,
            lastToken: line.token, attributes: share(line.attributes))
        if let index = byID[line.id] {
            objects[index] = object
            return
        }
        byID[line.id] = objects.count
        byMachine[SimulatedChain.machineKey(address), default: []].append(objects.count)
        objects.append(object)
    }

    private mutating func share(_ attributes: Attributes) -> Attributes {
        if let known = shared[attributes] { return known }
        shared[attributes] = attributes
        return attributes
    }

    /// The keys of `changes` set, those that are null removed.
    static func merge(_ changes: Attributes, into attributes: Attributes) -> Attributes {
        var merged = attributes
        for (name, value) in changes { merged[name] = value == .null ? nil : value }
        return merged
    }

    /// Every object alive under `address`, oldest first; more than one is an accident.
    func candidates(_ address: ResourceAddress) -> [StoredObject] {
        onMachine(of: address).filter { $0.address == address }
    }

    /// The object under `address` if it and all it stands on are there; `id` picks among several.
    func present(_ address: ResourceAddress, id: String? = nil) -> StoredObject? {
        let objects = onMachine(of: address)
        var found: StoredObject?
        for object in objects where object.address == address && (found == nil || object.id == id) { found = object }
        return found.flatMap { Self.stands($0.rank, on: objects) ? $0 : nil }
    }

    /// True if everything below `address` in the chain is there.
    func stands(_ address: ResourceAddress) -> Bool {
        Self.stands(SimulatedChain.rank(address), on: onMachine(of: address))
    }

    /// What stands on `address`, topmost first.
    func above(_ address: ResourceAddress) -> [StoredObject] {
        let rank = SimulatedChain.rank(address)
        return onMachine(of: address).filter { $0.rank > rank }.sorted { $0.rank > $1.rank }
    }

    private func onMachine(of address: ResourceAddress) -> [StoredObject] {
        (byMachine[SimulatedChain.machineKey(address)] ?? []).compactMap { objects[$0] }
    }

    private static func stands(_ rank: Int, on objects: [StoredObject]) -> Bool {
        (0..<rank).allSatisfy { below in objects.contains { $0.rank == below } }
    }
}
