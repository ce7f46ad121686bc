import OsirisModel
import OsirisState

/// A promise that did not hold.
public struct Violation: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        /// `apply` did not end well, however often it was run again: somebody would have to do something by hand.
        case notDone = "not done"
        case planNotEmpty = "plan not empty"
        case openIntent = "open intent"
        /// An object that the state does not know.
        case orphan
        /// A record without an object.
        case missing
        /// Two objects, or two creates, for one address.
        case duplicate
        /// An object that was lost and made again.
        case remade = "made again"
        /// An object was put back although nothing on its machine had failed.
        case undone = "put back for nothing"
        /// Another inventory than that of the undisturbed run.
        case difference
        /// A run that crashed, hung or used an exit code that means something else.
        case crash
    }

    public var kind: Kind
    /// Empty where the whole cluster is meant.
    public var address: String
    public var message: String

    public init(_ kind: Kind, _ address: String = "", _ message: String) {
        (self.kind, self.address, self.message) = (kind, address, message)
    }
}

/// What there is at the end: in the state and in the stores. Compared with that of the undisturbed run.
public struct Inventory: Sendable {
    /// Attributes by address, without what differs by its nature.
    private(set) var recorded: [String: Attributes] = [:]
    private(set) var alive: [String: Attributes] = [:]
    private(set) var creates: [String: Int] = [:]

    public init(_ snapshot: StateSnapshot, _ stores: [StoreLog]) {
        for record in snapshot.resources.values {
            recorded[record.address.text] = Self.comparable(record.attributes, type: record.type)
        }
        for store in stores {
            for object in store.alive.values {
                let type = ResourceAddress(object.address).map { String($0.type) } ?? ""
                alive[object.address] = Self.comparable(object.attributes, type: type)
            }
            creates.merge(store.creates, uniquingKeysWith: +)
        }
    }

    /// Ids and secrets are made anew in every run, and a function's version counts its updates.
    private static func comparable(_ attributes: Attributes, type: String) -> Attributes {
        var kept = attributes.mapValues(withoutSecrets)
        kept["id"] = nil
        if type == "function" { kept["version"] = nil }
        return kept
    }

    private static func withoutSecrets(_ value: Value) -> Value {
        switch value {
        case .secret: "(secret)"
        case .list(let items): .list(items.map(withoutSecrets))
        case .map(let entries): .map(entries.mapValues(withoutSecrets))
        default: value
        }
    }
}

/// Holds a state and its stores against each other and against the undisturbed run. Pure.
public enum Audit {
    /// - Parameters:
    ///   - expected: the inventory of the undisturbed run.
    ///   - failed: addresses of all operations that failed in any run.
    ///   - mayRemake: an operator with another manifest took part, so objects may rightly have come and gone.
    /// - Returns: every broken promise, by address.
    public static func violations(
        _ snapshot: StateSnapshot, _ stores: [StoreLog], expected: Inventory, failed: Set<String> = [],
        mayRemake: Bool = false
    ) -> [Violation] {
        var found = snapshot.intents.map {
            Violation(.openIntent, $0.address.text, "the state still has an open \($0.action) of it")
        }
        var objects: [String: [StoreLog.Object]] = [:]
        for store in stores {
            for object in store.alive.values { objects[object.address, default: []].append(object) }
            for address in store.createdTwice {
                found.append(Violation(.duplicate, address, "it was created while it existed"))
            }
        }
        for (address, same) in objects {
            if same.count > 1 {
                let ids = same.map(\.id).sorted().joined(separator: ", ")
                found.append(Violation(.duplicate, address, "\(same.count) objects are alive: \(ids)"))
            }
            if ResourceAddress(address).flatMap({ snapshot.resources[$0] }) == nil {
                found.append(Violation(.orphan, address, "it exists and the state does not know it"))
            }
        }
        for record in snapshot.resources.values where objects[record.address.text] == nil {
            found.append(Violation(.missing, record.address.text, "the state knows it and it does not exist"))
        }
        let inventory = Inventory(snapshot, stores)
        found += differences(inventory.recorded, expected.recorded, "state")
        found += differences(inventory.alive, expected.alive, "store")
        if !mayRemake {
            for (address, count) in inventory.creates where count > expected.creates[address, default: 0] {
                let usual = expected.creates[address, default: 0]
                found.append(Violation(.remade, address, "created \(count) times, undisturbed \(usual) times"))
            }
        }
        let failedMachines = Set(failed.map(machine))
        for address in Set(stores.flatMap(\.putBack)) where !failedMachines.contains(machine(of: address)) {
            found.append(Violation(.undone, address, "it was put back, and nothing on its machine had failed"))
        }
        return found.sorted { ($0.address, $0.kind.rawValue) < ($1.address, $1.kind.rawValue) }
    }

    /// `fleet/m0001` of `fleet/function.m0001.demo.hello`: what stands on one simulated machine carries its name.
    private static func machine(of address: String) -> String {
        guard let parsed = ResourceAddress(address) else { return address }
        return "\(parsed.target)/\(parsed.name.prefix { $0 != "." })"
    }

    private static func differences(
        _ actual: [String: Attributes], _ expected: [String: Attributes], _ place: String
    ) -> [Violation] {
        Set(actual.keys).union(expected.keys).compactMap { address in
            switch (actual[address], expected[address]) {
            case (let actual?, let expected?):
                guard
                    let name = Set(actual.keys).union(expected.keys).sorted().first(where: {
                        actual[$0] != expected[$0]
                    })
                else { return nil }
                let (now, usual) = (actual[name]?.jsonText ?? "absent", expected[name]?.jsonText ?? "absent")
                return Violation(.difference, address, "\(name) in the \(place) is \(now), undisturbed \(usual)")
            case (nil, _): return Violation(.difference, address, "it is not in the \(place), undisturbed it is")
            case (_, nil): return Violation(.difference, address, "it is in the \(place), undisturbed it is not")
            }
        }
    }
}
