import OsirisModel

/// An object of a store as its lines left it.
struct StoredObject: Sendable {
    var id: String
    var address: ResourceAddress
    /// Its address when it was made.
    var madeAs: ResourceAddress
    /// `SimulatedChain.rank` of the address.
    var rank: Int
    /// Token of the create.
    var createToken: String
    /// Token of the last line.
    var lastToken: String
    var attributes: Attributes
    /// Nil if no line of it says whose it is.
    var owner: StoreOwner?
}

/// What the lines of a store add up to: the objects alive, found by machine. A plain value; no file in sight.
///
/// An object is present only while everything it stands on is: an image on an engine that somebody deleted is gone,
/// although no line says so.
struct ObjectFold: Sendable {
    private var objects: [StoredObject?] = []
    private var byID: [String: Int] = [:]
    /// A machine that is renamed is found under both names, as long as not all that is on it is renamed too.
    private var machines: [String: Int] = [:]
    private var byMachine: [[Int]] = []
    /// Equal attributes are kept once: a thousand machines run the same functions.
    private var shared: [Attributes: Attributes] = [:]
    private var owners: Set<StoreOwner> = []
    /// Addresses that changed by themselves before; that happens at most once to each.
    private(set) var touchedOutside: Set<String> = []
    /// By lineage: the highest fence of all lines.
    private(set) var fences: [String: Int] = [:]

    var count: Int { byID.count }

    mutating func apply(_ line: StoreLine) {
        if let owner = line.owner { fences[owner.lineage] = max(fences[owner.lineage] ?? 0, owner.fence) }
        switch line.operation {
        case .fence: break
        case .create: create(line)
        case .update:
            guard let index = byID[line.id], var object = objects[index] else { return }
            object.attributes = share(Self.merge(line.attributes, into: object.attributes))
            object.lastToken = line.token
            object.owner = share(line.owner) ?? object.owner
            objects[index] = object
            if line.token == StoreLine.outside { touchedOutside.insert(object.address.text) }
        case .move: move(line)
        case .delete:
            guard let index = byID.removeValue(forKey: line.id), let object = objects[index] else { return }
            objects[index] = nil
            if let machine = machines[SimulatedChain.machineKey(object.address)] {
                byMachine[machine].removeAll { $0 == index }
            }
            if line.token == StoreLine.outside { touchedOutside.insert(object.address.text) }
        }
    }

    private mutating func create(_ line: StoreLine) {
        guard let address = ResourceAddress(line.address) else { return }
        let object = StoredObject(
            id: line.id, address: address, madeAs: address, rank: SimulatedChain.rank(address), createToken: line.token,
            lastToken: line.token, attributes: share(line.attributes), owner: share(line.owner))
        if let index = byID[line.id] {
            objects[index] = object
            return
        }
        byID[line.id] = objects.count
        byMachine[machine(address)].append(objects.count)
        objects.append(object)
    }

    private mutating func move(_ line: StoreLine) {
        guard let address = ResourceAddress(line.address), let index = byID[line.id], var object = objects[index]
        else { return }
        let (old, new) = (SimulatedChain.machineKey(object.address), SimulatedChain.machineKey(address))
        let taken = machines[new].map { !byMachine[$0].isEmpty } ?? false
        if old != new, let present = machines[old], machines[new] != present {
            if taken {
                byMachine[present].removeAll { $0 == index }
                byMachine[machine(address)].append(index)
            } else {
                machines[new] = present
            }
        }
        (object.address, object.rank) = (address, SimulatedChain.rank(address))
        object.lastToken = line.token
        object.owner = share(line.owner) ?? object.owner
        objects[index] = object
    }

    /// A name that another machine had before is a new machine's, once that one has nothing under it any more.
    private mutating func machine(_ address: ResourceAddress) -> Int {
        let key = SimulatedChain.machineKey(address)
        if let known = machines[key] {
            let isKnown =
                byMachine[known].isEmpty
                || byMachine[known].contains { index in
                    objects[index].map { SimulatedChain.machineKey($0.address) == key } ?? false
                }
            if isKnown { return known }
        }
        machines[key] = byMachine.count
        byMachine.append([])
        return byMachine.count - 1
    }

    private mutating func share(_ attributes: Attributes) -> Attributes {
        if let known = shared[attributes] { return known }
        shared[attributes] = attributes
        return attributes
    }

    private mutating func share(_ owner: StoreOwner?) -> StoreOwner? {
        owner.map { owners.insert($0).memberAfterInsert }
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

    /// Every object of `type` that is there, oldest first.
    func all(_ type: String) -> [StoredObject] {
        objects.compactMap { $0 }.filter { $0.address.type == type && stands($0.address) }
    }

    private func onMachine(of address: ResourceAddress) -> [StoredObject] {
        (machines[SimulatedChain.machineKey(address)].map { byMachine[$0] } ?? []).compactMap { objects[$0] }
    }

    private static func stands(_ rank: Int, on objects: [StoredObject]) -> Bool {
        (0..<rank).allSatisfy { below in objects.contains { $0.rank == below } }
    }
}
