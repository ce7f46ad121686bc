import HTTPTypes
import Hummingbird

/// Who asks for a change: a state of the provisioner, and which holder of that state's lock.
///
/// Holders have growing numbers. A hub that saw a higher one refuses a lower one, which was asleep while its lock was
/// taken over (https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html, "Making the lock safe with
/// fencing").
public struct Fence: Sendable, Equatable {
    /// Identity of the state: 1 to 64 letters, digits and `-`.
    public var lineage: String
    /// Number of the lock's holder, from 1.
    public var number: Int

    public init(lineage: String, number: Int) {
        self.lineage = lineage
        self.number = number
    }

    /// The fence of a request; nil if it has none, as one that a person sends.
    /// - Throws: `HubError` 400 for half a fence or one of another form.
    init?(_ headers: HTTPFields) throws {
        let (lineage, number) = (headers[.lineage], headers[.fence])
        if lineage == nil && number == nil { return nil }
        guard let lineage, (1...64).contains(lineage.utf8.count),
            lineage.utf8.allSatisfy({ $0 == 0x2D || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) }),
            let number = number.flatMap({ Int($0) }), number > 0
        else {
            throw HubError(
                400, "bad_request",
                "Osiris-Lineage must be 1 to 64 letters, digits and -, and Osiris-Fence a number from 1; both or none.")
        }
        self.init(lineage: lineage, number: number)
    }

    /// What a request is told that comes after `highest`.
    func tooLate(_ highest: Int) -> HubError {
        HubError(
            412, "fenced",
            "The hub was changed by a later run (lock \(highest), this run has \(number)). This run changes nothing more."
        )
    }
}

extension HTTPField.Name {
    static let lineage = HTTPField.Name("Osiris-Lineage") ?? .contentType
    static let fence = HTTPField.Name("Osiris-Fence") ?? .contentType
}
