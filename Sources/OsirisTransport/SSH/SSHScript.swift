import Foundation

/// Running scripts, as the user or with the rights of root.
extension SSHConnection {
    /// Runs a script of a POSIX shell in one command and waits for its end.
    /// - Parameters:
    ///   - script: travels in the command's line and can be seen in the host's list of processes: no secrets. Together
    ///     with the arguments at most about 30,000 bytes.
    ///   - arguments: `$1` and so on; no secrets either.
    ///   - input: what the script reads. Nobody else on the host sees it; secrets go here.
    ///   - limit: most bytes of output, and of errors.
    ///   - timeout: longest time; nil waits as long as the host gives signs of life.
    /// - Throws: `SSHError`; `elevation` if the script did not begin for want of rights. `CancellationError`.
    public func run(
        script: String, as elevation: SSHElevation, arguments: [String] = [], input: [UInt8] = [],
        limit: Int = 16 << 20, timeout: Duration? = nil
    ) async throws -> SSHResult {
        try await run(
            script: script, as: elevation, arguments: arguments, feed: { SSHFeed(input, isHeld: $0) }, limit: limit,
            timeout: timeout)
    }

    /// - Parameter feed: makes the input, held until the script has begun or not.
    func run(
        script: String, as elevation: SSHElevation, arguments: [String], feed: (_ isHeld: Bool) -> SSHFeed,
        limit: Int = 16 << 20, timeout: Duration? = nil, progress: (Int) -> Void = { _ in }
    ) async throws -> SSHResult {
        var talk = elevation.way == .none ? nil : SSHElevationTalk(elevation)
        // Without a password nobody else reads the input, and it can go at once.
        let isHeld = talk != nil && elevation.password != nil
        let result = try await run(
            elevation.line(script: script, arguments: arguments), feed(isHeld), &talk, limit: limit, timeout: timeout,
            progress: progress)
        if let talk, !talk.isElevated {
            throw elevation.failure(result.errors, status: result.status, asked: talk.asked, at: place)
        }
        return result
    }
}
