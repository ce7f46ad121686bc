import CLibSSH2
import Foundation

/// Running commands.
extension SSHConnection {
    /// Runs a command with the login shell of the user and waits for its end.
    /// - Parameters:
    ///   - command: one line for a shell; `SSHWords.line` makes one of words. At most 30,000 bytes.
    ///   - input: what the command reads; then its input ends.
    ///   - limit: most bytes of output, and of errors.
    ///   - timeout: longest time; nil waits as long as the host gives signs of life.
    /// - Throws: `SSHError`, `CancellationError`. What the command did until then is not known, and it may still run.
    public func run(
        _ command: String, input: [UInt8] = [], limit: Int = 16 << 20, timeout: Duration? = nil
    ) async throws -> SSHResult {
        var talk: SSHElevationTalk?
        return try await run(command, SSHFeed(input), &talk, limit: limit, timeout: timeout)
    }

    /// libssh2 sends a request in one packet, which holds no more.
    static var longestCommand: Int { 30_000 }

    /// - Parameters:
    ///   - talk: answers what sudo asks; nil for a command without it.
    ///   - progress: called with all bytes that were taken from the feed, now and then.
    func run(
        _ command: String, _ feed: SSHFeed, _ talk: inout SSHElevationTalk?, limit: Int = 16 << 20,
        timeout: Duration? = nil, progress: (Int) -> Void = { _ in }
    ) async throws -> SSHResult {
        guard command.utf8.count <= Self.longestCommand else {
            throw SSHError(.notAllowed, place, "a command of \(command.utf8.count) bytes is too long for SSH")
        }
        let start = ContinuousClock.now
        heard = start
        tally.note { $0.commands += 1 }
        let deadline = timeout.map { start + $0 }
        let channel = try await exclusively { try await begin(command, until: start + patience.connect) }
        do {
            var result = try await exchange(channel, feed, &talk, limit, until: deadline, progress)
            try await exclusively { try await end(channel, &result) }
            return result
        } catch {
            // The command may still run, and nobody reads what it writes: the connection ends with it.
            _ = fail("a command did not come to its end")
            libssh2_channel_free(channel.pointer)
            throw error
        }
    }

    private func begin(_ command: String, until deadline: ContinuousClock.Instant) async throws -> SSHChannel {
        let channel = try await open(until: deadline)
        let code = try await step(until: deadline) { _ in
            command.withCString {
                libssh2_channel_process_startup(channel.pointer, "exec", 4, $0, UInt32(command.utf8.count))
            }
        }
        guard code == 0 else { throw fail("the command could not be started: \(handle.lastError)") }
        return channel
    }

    /// Closes the channel and frees it. The status comes after the last byte of output.
    private func end(_ channel: SSHChannel, _ result: inout SSHResult) async throws {
        _ = try await step(until: .now + patience.silence) { _ in libssh2_channel_close(channel.pointer) }
        _ = try await step(until: .now + patience.silence) { _ in libssh2_channel_wait_closed(channel.pointer) }
        var signal: UnsafeMutablePointer<CChar>?
        libssh2_channel_get_exit_signal(channel.pointer, &signal, nil, nil, nil, nil, nil)
        if let signal {
            result.signal = String(cString: signal)
            libssh2_free(handle.session, signal)
        } else {
            result.status = Int(libssh2_channel_get_exit_status(channel.pointer))
        }
        libssh2_channel_free(channel.pointer)
        // Packets for other channels may have come along, and nobody will be woken for them.
        loop.nudge(handle.socket)
    }

    private func open(until deadline: ContinuousClock.Instant) async throws -> SSHChannel {
        let pointer = try await step(
            until: deadline,
            making: { libssh2_channel_open_ex($0, "session", 7, 2 << 20, 32 * 1024, nil, 0) })
        if let pointer { return SSHChannel(pointer) }
        if handle.lastCode == LIBSSH2_ERROR_CHANNEL_FAILURE {
            throw SSHError(
                .notAllowed, place, "the server opens no more channels", help: "see MaxSessions in sshd_config")
        }
        throw fail("the connection ended: \(handle.lastError)")
    }

    /// Moves input, output and errors until both of the latter have ended.
    private func exchange(
        _ channel: SSHChannel, _ input: SSHFeed, _ talk: inout SSHElevationTalk?, _ limit: Int,
        until deadline: ContinuousClock.Instant?, _ progress: (Int) -> Void
    ) async throws -> SSHResult {
        var result = SSHResult(status: nil)
        var feed = input
        var sent = 0
        var hasSentEnd = false
        while true {
            let count = try await exclusively { try await send(&feed, on: channel, hasSentEnd: &hasSentEnd) }
            if count > 0 {
                sent += count
                progress(sent)
            }
            let received = try await exclusively { try receive(channel, &result) }
            guard result.output.count <= limit, result.errors.count <= limit else {
                // The command goes on writing until it notices that nobody reads.
                throw fail("a command wrote more than \(limit) bytes").with(.tooMuchOutput)
            }
            if received { talk?.hear(&result.errors, &feed) }
            if received || count > 0 {
                heard = .now
            } else if libssh2_channel_eof(channel.pointer) == 1 {
                return result
            } else {
                try await pause(until: deadline)
            }
            // Output without an end must not keep a command from its timeout.
            if let deadline, deadline <= .now { throw fail("the command took too long").with(.timedOut) }
        }
    }

    /// Writes what goes now, and the end after the last byte.
    private func send(
        _ feed: inout SSHFeed, on channel: SSHChannel, hasSentEnd: inout Bool
    ) async throws -> Int {
        let bytes = try feed.next()
        let count = try await write(bytes, on: channel)
        if let count {
            feed.drop(count)
        } else {
            // A command that ends without reading everything closes its input; its status tells the rest.
            feed.end()
        }
        if feed.isAtEnd, !hasSentEnd {
            hasSentEnd = true
            _ = try await step(until: .now + patience.silence) { _ in libssh2_channel_send_eof(channel.pointer) }
        }
        return count ?? 0
    }

    /// Writes until nothing is left or the other side's window is full. Only what nobody comes between may call it: a
    /// packet half sent must not be followed by another one.
    /// - Returns: bytes written; nil if the other side takes no more at all.
    func write(_ bytes: ArraySlice<UInt8>, on channel: SSHChannel) async throws -> Int? {
        var rest = bytes
        while !rest.isEmpty {
            let count = channel.write(rest)
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count != 0 && count != Int(LIBSSH2_ERROR_EAGAIN) {
                return nil
            } else if handle.blocked.contains(.write) {
                guard await loop.ready([handle.socket: .write], until: .now + patience.silence) else {
                    try Task.checkCancellation()
                    throw fail("the host took nothing for \(patience.silence)").with(.timedOut)
                }
            } else {
                break
            }
        }
        return bytes.count - rest.count
    }

    private func receive(_ channel: SSHChannel, _ result: inout SSHResult) throws -> Bool {
        var received = false
        for stream: Int32 in [0, 1] {
            switch channel.read(stream) {
            case .bytes(let bytes):
                if stream == 0 { result.output += bytes } else { result.errors += bytes }
                received = true
            case .none, .end: break
            case .failed: throw fail("the connection ended while a command ran: \(handle.lastError)")
            }
        }
        // Packets for other channels may have come along, and nobody will be woken for them.
        if received { loop.nudge(handle.socket) }
        return received
    }

    /// Waits for the socket, and asks a silent host for a sign of life.
    func pause(until deadline: ContinuousClock.Instant?) async throws {
        let next = min(deadline ?? .now + patience.silence, .now + patience.silence / 3)
        handle.expectAnswer()
        if await loop.ready([handle.socket: handle.blocked], until: next) { return }
        try Task.checkCancellation()
        if let deadline, deadline <= .now {
            throw fail("the command took too long").with(.timedOut)
        }
        if ContinuousClock.now - heard > patience.silence {
            throw fail("the host was silent for \(patience.silence)").with(.timedOut)
        }
        try await exclusively {
            libssh2_keepalive_config(handle.session, 1, 2)
            var seconds: Int32 = 0
            guard libssh2_keepalive_send(handle.session, &seconds) == 0 else { throw fail("the connection ended") }
        }
    }
}

extension SSHError {
    func with(_ kind: Kind, help: String? = nil) -> SSHError {
        var error = self
        error.kind = kind
        error.help = help ?? error.help
        return error
    }
}
