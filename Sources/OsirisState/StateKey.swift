import Foundation
import OsirisModel
import OsirisTransport

/// The key that seals generated secrets: from the environment, or a file beside the database.
struct StateKey: Sendable {
    static let variable = "OSIRIS_STATE_KEY"

    /// Of the key file, also when the environment has the key.
    let path: String
    /// The variable's text; nil if it is not set.
    let environment: String?

    /// The key there is.
    /// - Throws: `DiagnosticsError` (OSR0406) if there is none or it is malformed.
    func load() throws -> Sealer {
        guard let sealer = try existing() else {
            throw Fault.key(
                "the state holds sealed secrets, but its key file \(path) is missing",
                help: """
                    put the key file back, or set \(Self.variable) to the key; if it is lost, move the state file away and \
                    run `osiris state rebuild`
                    """)
        }
        return sealer
    }

    /// The key there is, or a new one in the key file.
    func loadOrCreate() throws -> Sealer {
        if let sealer = try existing() { return sealer }
        do {
            try PrivateFile.create(Array((Digest.hex(try Sealer.makeKey()) + "\n").utf8), at: path)
        } catch let error as PrivateFile.Failure {
            throw Fault.write(path, error.description)
        }
        return try load()
    }

    /// Removes the key file, once nothing is left that it could open.
    func remove() throws {
        guard unlink(path) == 0 else {
            let failure = PrivateFile.Failure(path)
            if failure.code == ENOENT { return }
            throw Fault.write(path, failure.description)
        }
        try? PrivateFile.syncFolder(of: path)
    }

    /// What to say when the key does not open a sealed secret.
    func wrongKey(for address: String) -> any Error {
        Fault.key(
            "\(place) does not open the sealed secrets of \(address): it is the wrong key, or the record was changed",
            help: """
                use the key this state was written with; without it, move the state file away and run \
                `osiris state rebuild`
                """)
    }

    private var place: String { environment == nil ? "the key file \(path)" : "the key in \(Self.variable)" }

    /// Nil if there is none.
    /// - Throws: `DiagnosticsError` (OSR0406) if it is unreadable or malformed.
    func existing() throws -> Sealer? {
        let text: String
        if let environment {
            text = environment
        } else {
            do {
                text = try String(contentsOfFile: path, encoding: .utf8)
            } catch CocoaError.fileReadNoSuchFile {
                return nil
            } catch {
                throw Fault.key("the key file \(path) cannot be read", help: "check its owner and mode (0600)")
            }
        }
        guard let key = Self.parse(text), let sealer = try? Sealer(key: key) else {
            throw Fault.key("\(place) is not a key", help: "it must be 64 hexadecimal digits or base64 of 32 bytes")
        }
        return sealer
    }

    private static func parse(_ text: String) -> [UInt8]? {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if text.utf8.count != 2 * Sealer.keyLength { return Data(base64Encoded: text).map { Array($0) } }
        let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 2 * Sealer.keyLength else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
