import Foundation
import OsirisModel

/// The lines of a simulated store, read by the audit itself and not by the provider it audits.
///
/// The form is that of docs/providers/simulated.md. A line that a full disk left unfinished says nothing.
public struct StoreLog: Sendable {
    struct Object: Sendable {
        var id: String
        var address: String
        var attributes: Attributes
    }

    /// By id.
    private(set) var alive: [String: Object] = [:]
    /// How often each address was created.
    private(set) var creates: [String: Int] = [:]
    /// Addresses that were created while they had an object.
    private(set) var createdTwice: [String] = []

    /// Addresses that were put back: their machine had failed in a rollout.
    private(set) var putBack: [String] = []

    /// How many objects each address has.
    private var objects: [String: Int] = [:]

    /// - Parameter lines: the bytes of one store.
    public init(_ lines: some Sequence<UInt8>) {
        for line in Array(lines).split(separator: UInt8(ascii: "\n")) {
            guard let fields = (try? Value(json: line))?.mapValue, let id = fields["id"]?.stringValue else { continue }
            let attributes = fields["attributes"]?.mapValue ?? [:]
            let isPutBack = fields["token"]?.stringValue?.hasPrefix("put-back-") ?? false
            if isPutBack, let address = alive[id]?.address { putBack.append(address) }
            switch fields["op"]?.stringValue {
            case "create":
                let address = fields["address"]?.stringValue ?? ""
                if objects[address, default: 0] > 0 { createdTwice.append(address) }
                creates[address, default: 0] += 1
                objects[address, default: 0] += 1
                alive[id] = Object(id: id, address: address, attributes: attributes)
            case "update":
                for (name, value) in attributes { alive[id]?.attributes[name] = value == .null ? nil : value }
            case "move":
                guard let old = alive[id]?.address, let address = fields["address"]?.stringValue else { continue }
                if objects[address, default: 0] > 0 { createdTwice.append(address) }
                objects[old, default: 1] -= 1
                objects[address, default: 0] += 1
                alive[id]?.address = address
            case "delete":
                guard let gone = alive.removeValue(forKey: id) else { continue }
                objects[gone.address, default: 1] -= 1
                // It was made in the turn that failed; the next run rightly makes it again.
                if isPutBack { creates[gone.address, default: 1] -= 1 }
            default: continue
            }
        }
    }

    /// Every store of a scenario's folder.
    static func all(in folder: String) throws -> [StoreLog] {
        let stores = folder + "/sim"
        guard FileManager.default.fileExists(atPath: stores) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: stores).sorted().map {
            StoreLog(try Data(contentsOf: URL(fileURLWithPath: stores + "/" + $0)))
        }
    }
}
