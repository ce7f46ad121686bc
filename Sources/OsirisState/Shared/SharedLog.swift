import Foundation
import OsirisDiagnostics
import OsirisModel

/// Reads and extends the log of a state in a shared store. It keeps nothing itself.
///
/// A position is written once, only if there is nothing at it. So whoever writes knows that nobody wrote since he last
/// read, also where the service cannot check his lock in the same transaction.
struct SharedLog: Sendable {
    /// A key that was listed is gone: a writer trimmed at this moment.
    private struct Vanished: Error {
        var key: String
    }

    /// What is at a position after a try to write there.
    enum Outcome {
        case landed
        /// Another value.
        case occupied([UInt8])
        /// Nothing, and the store refuses: the lease is gone.
        case refused
    }

    private static let readAttempts = 5

    let store: any SharedStore
    var patience = Patience()

    var location: String { store.location }

    // MARK: Reading

    /// Nil if there is no state.
    func meta() async throws -> (meta: SharedMeta, version: String)? {
        guard let value = try await reading({ try await store.read(SharedKeys.meta) }) else {
            let left = try await reading {
                try await store.list(SharedKeys.checkpoints, after: nil) + store.list(SharedKeys.log, after: nil)
            }
            // A state without its identity is no empty state.
            if let key = left.first {
                throw Fault.stored(
                    StoredFault("\(key) is there, but it is missing"), key: SharedKeys.meta, at: location)
            }
            return nil
        }
        return (try decoding(SharedKeys.meta) { () throws(StoredFault) in try SharedMeta(value.bytes) }, value.version)
    }

    /// The newest checkpoint and all segments after it.
    func load() async throws -> LogFold {
        var attempt = 1
        while true {
            do {
                var fold = try await newestCheckpoint()
                try await follow(&fold)
                return fold
            } catch let gone as Vanished {
                // The writer has a newer checkpoint by now. If there is none, the key is lost.
                attempt += 1
                guard attempt <= Self.readAttempts else {
                    throw Fault.stored(StoredFault("it is missing"), key: gone.key, at: location)
                }
            }
        }
    }

    private func newestCheckpoint() async throws -> LogFold {
        let keys = try await reading { try await store.list(SharedKeys.checkpoints, after: nil) }
        guard let newest = keys.last(where: PartedValue.isWhole), let position = SharedKeys.number(newest) else {
            return LogFold()
        }
        let key = SharedKeys.checkpoint(position)
        guard let value = try await parted(key) else { throw Vanished(key: newest) }
        return try decoding(newest) { () throws(StoredFault) in try LogFold(checkpoint: value.body) }
    }

    /// Folds in what was written since.
    func catchUp(_ fold: inout LogFold) async throws {
        do {
            try await follow(&fold)
        } catch is Vanished {
            fold = try await load()
        }
    }

    private func follow(_ fold: inout LogFold) async throws {
        let after = SharedKeys.segment(fold.position)
        let keys = try await reading { try await store.list(SharedKeys.log, after: after) }
        if keys.isEmpty { return }
        let values = try await reading { try await store.read(keys) }
        for key in keys {
            let expected = SharedKeys.segment(fold.position + 1)
            guard key == expected, let value = values[key] else { throw Vanished(key: expected) }
            do { try fold.add(value.bytes) } catch { throw Fault.stored(error, key: key, at: location) }
        }
    }

    // MARK: Writing

    /// Writes `bytes` at a position, unless something is there.
    /// - Throws: `SharedStoreError` if the service was silent for too long: the value may land later all the same.
    func put(_ bytes: [UInt8], at position: Int, holding lease: StoreLease?) async throws -> Outcome {
        let key = SharedKeys.segment(position)
        return try await patience.trying {
            if try await store.write(bytes, to: key, if: .absent, holding: lease) != nil { return .landed }
            guard let found = try await store.read(key) else { return .refused }
            // Our own bytes: they had landed, and the answer was lost.
            return found.bytes == bytes ? .landed : .occupied(found.bytes)
        }
    }

    // MARK: Faults

    /// Tries a read for a while, and turns what it throws into diagnostics.
    func reading<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await patience.trying(body)
        } catch {
            throw Fault.shared(error, at: location, writing: false)
        }
    }

    /// As `reading`, for a write that may be repeated.
    func writing<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await patience.trying(body)
        } catch {
            throw Fault.shared(error, at: location, writing: true)
        }
    }

    func decoding<Result>(_ key: String, _ body: () throws(StoredFault) -> Result) throws -> Result {
        do { return try body() } catch { throw Fault.stored(error, key: key, at: location) }
    }
}
