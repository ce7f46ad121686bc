import Foundation
import OsirisModel

/// Sending files, so that a broken transfer goes on where it ended.
extension SSHConnection {
    /// Puts a file on the host. Nothing is sent if it is there already; the file is there whole or not at all.
    /// - Parameters:
    ///   - file: path of the local file.
    ///   - path: absolute path on the host; its folder is there.
    ///   - mode: octal digits, as for chmod.
    ///   - digest: `sha256:` and 64 hexadecimal digits of the local file.
    ///   - progress: called with the bytes that are there, now and then.
    /// - Returns: bytes sent.
    /// - Throws: `SSHError`; what had arrived by then stays on the host as `PATH.part` for the next try.
    @discardableResult
    public func upload(
        _ file: String, to path: String, mode: String, digest: String,
        progress: @Sendable (Int) -> Void = { _ in }
    ) async throws -> Int {
        let target = SSHWords.quoted(path)
        let part = SSHWords.quoted(path + ".part")
        let sum = digest.dropFirst("sha256:".count)
        let line = "\(sum)  "
        // One look tells whether it is there, and how far an earlier transfer came.
        let look = try await words(
            "if echo \(SSHWords.quoted(line + path)) "
                + "| sha256sum -c --status 2>/dev/null; then echo there; else wc -c < \(part) 2>/dev/null || echo 0; fi"
        )
        if look == "there" { return 0 }
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw SSHError(.notAllowed, place, "\(file) cannot be read here")
        }
        defer { try? handle.close() }
        let size = Int(try handle.seekToEnd())
        var done = Int(look) ?? 0
        if done > size { done = 0 }
        if done == 0 { _ = try await words(": > \(part)") }
        try handle.seek(toOffset: UInt64(done))
        let start = done
        while done < size {
            let piece = try handle.read(upToCount: Self.pieceBytes) ?? Data()
            if piece.isEmpty { break }
            let result = try await run("cat >> \(part)", input: Array(piece))
            try check(result, "the upload of \(path)")
            done += piece.count
            progress(done)
        }
        let finish =
            "echo \(SSHWords.quoted(line + path + ".part")) | sha256sum -c --status && chmod \(mode) \(part) "
            + "&& sync \(part) && mv -f \(part) \(target) || { rm -f \(part); exit 9; }"
        let result = try await run(finish)
        guard result.status == 0 else {
            throw SSHError(
                .lost, place, "\(path) did not arrive as it was sent, and was removed",
                help: "try again; if it happens again, is the disk full or broken?")
        }
        return done - start
    }

    /// Bytes sent with one command: what a broken connection can make to be sent again.
    static var pieceBytes: Int { 8 << 20 }

    private func words(_ command: String) async throws -> String {
        let result = try await run(command)
        try check(result, "a command")
        return String(decoding: result.output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func check(_ result: SSHResult, _ what: String) throws {
        guard result.status != 0 else { return }
        let words = String(decoding: result.errors.suffix(500), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        throw SSHError(.notAllowed, place, "\(what) failed: \(words.isEmpty ? "no reason was given" : words)")
    }
}
