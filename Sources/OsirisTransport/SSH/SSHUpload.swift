import Foundation

/// Sending files, so that a broken transfer goes on where it ended.
extension SSHConnection {
    /// Puts a file on the host. Nothing is sent if it is there already; the file is there whole or not at all.
    /// - Parameters:
    ///   - file: path of the local file; it is read while it is sent.
    ///   - path: absolute path on the host; its folder is there.
    ///   - mode: octal digits, as for chmod.
    ///   - digest: `sha256:` and 64 hexadecimal digits of the local file.
    ///   - elevation: who writes it, and so owns it.
    ///   - arrived: how many of its bytes an earlier try has left as `PATH.part`, from who has looked already; nil to look.
    ///   - progress: called with the bytes that are sent or were there, now and then.
    /// - Returns: bytes sent.
    /// - Throws: `SSHError`; what had arrived by then stays on the host as `PATH.part` for the next try.
    @discardableResult
    public func upload(
        _ file: String, to path: String, mode: String, digest: String, as elevation: SSHElevation = .none,
        arrived: Int? = nil, progress: @Sendable (Int) -> Void = { _ in }
    ) async throws -> Int {
        let sum = String(digest.dropFirst("sha256:".count))
        var start = 0
        if let arrived {
            start = arrived
        } else {
            // One look tells whether it is there, and how far an earlier transfer came.
            let look = try await run(script: Self.look, as: elevation, arguments: [path, sum])
            try check(look, "a look at \(path)")
            let answer = String(decoding: look.output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if answer == "there" { return 0 }
            start = Int(answer) ?? 0
        }
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw SSHError(.notAllowed, place, "\(file) cannot be read here")
        }
        defer { try? handle.close() }
        let size = Int(try handle.seekToEnd())
        if start > size { start = 0 }
        try handle.seek(toOffset: UInt64(start))
        let result = try await run(
            script: Self.take, as: elevation, arguments: [path, sum, mode, String(start), String(size)],
            feed: { SSHFeed(file: handle, isHeld: $0) }, progress: { progress(start + $0) })
        if result.status == Self.isBroken {
            throw SSHError(
                .lost, place, "\(path) did not arrive as it was sent, and was removed",
                help: "try again; if it happens again, is the disk broken, or was the file changed meanwhile?")
        }
        try check(result, "the upload of \(path)")
        return size - start
    }

    private static let look = """
        if printf '%s  %s\\n' "$2" "$1" | sha256sum -c >/dev/null 2>&1; then echo there
        else wc -c < "$1.part" 2>/dev/null || echo 0; fi
        """

    /// Exit status when the bytes are not those of the digest.
    private static let isBroken = 99

    private static let take = """
        part=$1.part
        [ "$4" != 0 ] || : > "$part" || exit 1
        cat >> "$part" || exit 1
        # To this script the end of a connection looks like the end of the file: what came stays for the next try.
        [ "$(wc -c < "$part")" -ge "$5" ] || { echo "it ended early" >&2; exit 1; }
        printf '%s  %s\\n' "$2" "$part" | sha256sum -c >/dev/null 2>&1 || { rm -f "$part"; exit \(isBroken); }
        chmod "$3" "$part" && { sync "$part" 2>/dev/null || sync; } && mv -f "$part" "$1"
        """

    private func check(_ result: SSHResult, _ what: String) throws {
        guard result.status != 0 else { return }
        let words = String(decoding: result.errors.suffix(500), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        throw SSHError(.notAllowed, place, "\(what) failed: \(words.isEmpty ? "no reason was given" : words)")
    }
}
