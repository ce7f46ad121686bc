import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisTransport

/// The key that seals generated secrets: from the environment, or a file beside the database.
///
/// While it is being changed there are two. Everything sealed opens with one of them, so a change that was cut off
/// anywhere does no harm and is finished by doing it again.
struct StateKey: Sendable {
    static let variable = "OSIRIS_STATE_KEY"
    static let nextVariable = "OSIRIS_STATE_KEY_NEXT"

    /// Of the key file, also when the environment has the key.
    let path: String
    /// The variables' texts; nil if they are not set.
    let environment: String?
    var nextEnvironment: String?

    private var nextPath: String { path + ".next" }

    /// The keys there are, the present one first.
    /// - Throws: `DiagnosticsError` (OSR0406) if there is none or one is malformed.
    func openers() throws -> [Sealer] {
        let openers = try [existing(), next()].compactMap { $0 }
        if openers.isEmpty { throw missing }
        return openers
    }

    private var missing: DiagnosticsError {
        Fault.key(
            "the state holds sealed secrets, but its key file \(path) is missing",
            help: """
                put the key file back, or set \(Self.variable) to the key; if it is lost, move the state away and run \
                `osiris state rebuild`
                """)
    }

    /// The key there is, or a new one in the key file.
    func loadOrCreate() throws -> Sealer {
        if let sealer = try existing() { return sealer }
        try create(path)
        guard let sealer = try existing() else { throw missing }
        return sealer
    }

    /// Removes the key files, once nothing is left that they could open.
    func remove() throws {
        for path in [path, nextPath] where unlink(path) != 0 {
            let failure = PrivateFile.Failure(path)
            if failure.code != ENOENT { throw Fault.write(path, failure.description) }
        }
        try? PrivateFile.syncFolder(of: path)
    }

    // MARK: Changing the key

    /// The key that is to follow: the one an earlier change was cut off with, or a new one.
    /// - Throws: `DiagnosticsError`: OSR0406 if the present key comes from the environment and no next one does, OSR0408.
    func loadOrCreateNext() throws -> Sealer {
        if environment == nil, nextEnvironment != nil {
            throw Fault.key(
                "\(Self.nextVariable) is set, and \(Self.variable) is not: the present key is in a file",
                help:
                    "unset \(Self.nextVariable) to get a new key file; or set \(Self.variable) to the file's key first")
        }
        if let sealer = try next() { return sealer }
        if environment != nil {
            throw Fault.key(
                "the key is in \(Self.variable), and there is none to follow it",
                help: "set \(Self.nextVariable) to the new key; `openssl rand -hex 32` makes one")
        }
        try create(nextPath)
        guard let sealer = try next() else { throw missing }
        return sealer
    }

    /// Makes the next key the present one. A key from the environment stays where it is.
    func promoteNext() throws {
        if environment != nil { return }
        guard rename(nextPath, path) == 0 else { throw Fault.write(path, PrivateFile.Failure(path).description) }
        try? PrivateFile.syncFolder(of: path)
    }

    private func create(_ path: String) throws {
        try store(Array((Digest.hex(try Sealer.makeKey()) + "\n").utf8), at: path)
    }

    /// Makes a key file, and the folder for it: a shared state has none beside it. One that is there stays.
    private func store(_ text: [UInt8], at path: String) throws {
        do {
            let folder = (path as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(
                atPath: folder.isEmpty ? "." : folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try PrivateFile.create(text, at: path)
        } catch let error as PrivateFile.Failure {
            throw Fault.write(path, error.description)
        } catch let error as CocoaError {
            throw Fault.write(path, error.localizedDescription)
        }
    }

    /// Copies the key files to where the state moves.
    /// - Throws: `DiagnosticsError`: OSR0406 if another key is there, OSR0408.
    func copy(to other: StateKey) throws {
        if environment != nil || path == other.path { return }
        for (from, to) in [(path, other.path), (nextPath, other.nextPath)] {
            guard let data = FileManager.default.contents(atPath: from) else { continue }
            try store(Array(data), at: to)
            guard FileManager.default.contents(atPath: to) == data else {
                throw Fault.key(
                    "there is another key in \(to) already",
                    help: "move it away if nothing is sealed with it, then run the migration again")
            }
        }
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
    func existing() throws -> Sealer? { try read(environment, path, place) }

    private func next() throws -> Sealer? {
        // A key from the environment is not mixed with files.
        try environment == nil
            ? read(nil, nextPath, "the key file \(nextPath)")
            : nextEnvironment.flatMap { try read($0, nextPath, "the key in \(Self.nextVariable)") }
    }

    private func read(_ variable: String?, _ path: String, _ place: String) throws -> Sealer? {
        let text: String
        if let variable {
            text = variable
        } else {
            do {
                text = try String(contentsOfFile: path, encoding: .utf8)
            } catch CocoaError.fileReadNoSuchFile {
                return nil
            } catch {
                throw Fault.key("\(place) cannot be read", help: "check its owner and mode (0600)")
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
