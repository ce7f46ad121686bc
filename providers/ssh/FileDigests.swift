import Foundation
import OsirisModel

/// Digests of local files, each computed once as long as size and time of change stay.
actor FileDigests {
    private struct Stamp: Hashable {
        var path: String
        var size: Int
        var changed: Date
    }

    private var known: [Stamp: Task<String, any Error>] = [:]

    /// `sha256:` and 64 hexadecimal digits.
    func digest(of path: String) async throws -> String {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        let stamp = Stamp(
            path: path, size: attributes[.size] as? Int ?? 0,
            changed: attributes[.modificationDate] as? Date ?? .distantPast)
        let task = known[stamp] ?? Task { try await Self.compute(path) }
        known[stamp] = task
        return try await task.value
    }

    /// On a thread of its own: an archive takes a second or more.
    private static func compute(_ path: String) async throws -> String {
        try await withCheckedThrowingContinuation { waiter in
            let thread = Thread {
                waiter.resume(with: Result { try Digest.sha256(file: path) })
            }
            thread.start()
        }
    }
}
