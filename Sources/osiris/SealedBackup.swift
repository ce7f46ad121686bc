import Foundation
import OsirisDiagnostics
import OsirisTransport
import Synchronization

/// The file of `osiris hub backup`: a line that says what it is, then the hub's backup sealed with the state's key.
enum SealedBackup {
    private static let mark = "osiris hub backup 1 "
    private static let lineLength = mark.utf8.count + 36 + 1

    static func fault(_ path: String, _ reason: String, help: String) -> Diagnostic {
        Diagnostic(.backupFile, "the backup \(path) \(reason)", help: help)
    }

    private static func failed(_ path: String, _ what: String) -> Diagnostic {
        fault(
            path, "cannot be \(what): \(String(cString: strerror(errno)))",
            help: "see to its folder and the space on the disk")
    }

    /// Writes one: beside its place and, once whole, into it.
    final class Writer: Sendable {
        private struct State {
            var pieces: SealedPieces
            var size = 0
        }

        private let path: String
        private let draft: String
        private let descriptor: Int32
        private let state: Mutex<State>

        init(_ path: String, key: Sealer) throws {
            self.path = path
            draft = "\(path).new-\(getpid())"
            descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw failed(path, "written") }
            let line = Array("\(mark)\(UUID().uuidString.lowercased())\n".utf8)
            state = Mutex(State(pieces: SealedPieces(key, context: line)))
            try write(line)
        }

        deinit {
            close(descriptor)
            // What was finished has another name by now.
            unlink(draft)
        }

        func add(_ clear: [UInt8]) throws {
            try write(
                try state.withLock { state in
                    state.size += clear.count
                    return try state.pieces.seal(clear)
                })
        }

        /// - Returns: bytes of the backup.
        func finish() throws -> Int {
            let (size, end) = try state.withLock { ($0.size, try $0.pieces.sealEnd()) }
            try write(end)
            guard fsync(descriptor) == 0, rename(draft, path) == 0 else { throw failed(path, "written") }
            return size
        }

        private func write(_ bytes: [UInt8]) throws {
            var start = 0
            while start < bytes.count {
                let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 || errno == EINTR else { throw failed(path, "written") }
                start += max(count, 0)
            }
        }
    }

    /// Reads one piece by piece.
    final class Reader: Sendable {
        private struct State {
            var pieces: SealedPieces
            var clear: [UInt8] = []
            var left: Int
        }

        /// Bytes of the backup in it.
        let size: Int
        private let path: String
        private let descriptor: Int32
        private let state: Mutex<State>

        /// - Parameter keys: one of them has sealed it.
        init(_ path: String, keys: [Sealer]) throws {
            self.path = path
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw failed(path, "read") }
            let line = try Self.read(lineLength, from: descriptor, path)
            var status = stat()
            guard String(decoding: line, as: UTF8.self).hasPrefix(mark), line.last == UInt8(ascii: "\n"),
                fstat(descriptor, &status) == 0,
                let size = SealedPieces.clearLength(sealed: Int(status.st_size) - lineLength)
            else {
                throw fault(path, "is none, or it was cut off", help: "`osiris hub backup -o FILE` makes one")
            }
            self.size = size
            let sealed = Int(status.st_size) - lineLength
            let first = try Self.read(min(SealedPieces.sealedLength, sealed), from: descriptor, path)
            for key in keys {
                var pieces = SealedPieces(key, context: line)
                guard let clear = try? pieces.open(first, isLast: first.count == sealed) else { continue }
                state = Mutex(State(pieces: pieces, clear: clear, left: sealed - first.count))
                return
            }
            throw fault(
                path, "does not open: it was sealed with another key, or it was changed",
                help: """
                    use the key of the state it was made with; after `osiris state rotate-key` set OSIRIS_STATE_KEY to \
                    the present key and OSIRIS_STATE_KEY_NEXT to the one before it
                    """)
        }

        deinit { close(descriptor) }

        /// The next bytes, at most so many.
        func next(_ most: Int) throws -> [UInt8] {
            try state.withLock { state in
                if state.clear.isEmpty, state.left > 0 {
                    let piece = try Self.read(min(SealedPieces.sealedLength, state.left), from: descriptor, path)
                    state.left -= piece.count
                    do { state.clear = try state.pieces.open(piece, isLast: state.left == 0) } catch {
                        throw fault(path, "was changed or cut off", help: "use another backup; nothing was restored")
                    }
                }
                let bytes = Array(state.clear.prefix(most))
                state.clear.removeFirst(bytes.count)
                return bytes
            }
        }

        private static func read(_ count: Int, from descriptor: Int32, _ path: String) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            var start = 0
            while start < count {
                let got = bytes[start...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
                if got == 0 { break }
                guard got > 0 || errno == EINTR else { throw failed(path, "read") }
                start += max(got, 0)
            }
            return Array(bytes.prefix(start))
        }
    }
}
