import CLibSSH2
import Foundation

/// Running commands.
extension SSHConnection {
    /// Runs a command with the login shell of the user and waits for its end.
    /// - Parameters:
    ///   - command: one line for a shell; `SSHWords.line` makes one of words.
    ///   - input: what the command reads; then its input ends.
    ///   - limit: most bytes of output, and of errors.
    ///   - timeout: longest time; nil waits as long as the host gives signs of life.
    /// - Throws: `SSHError`, `CancellationError`. What the command did until then is not known, and it may still run.
    public func run(
        _ command: String, input: [UInt8] = [], limit: Int = 16 << 20, timeout: Duration? = nil
    ) async throws -> SSHResult {
        try await exclusively {
            let start = ContinuousClock.now
            heard = start
            let deadline = timeout.map { start + $0 }
            let channel = try await open(until: start + patience.connect)
            defer { libssh2_channel_free(channel.pointer) }
            let code = try await step(until: start + patience.connect) { _ in
                command.withCString {
                    libssh2_channel_process_startup(channel.pointer, "exec", 4, $0, UInt32(command.utf8.count))
                }
            }
            guard code == 0 else { throw fail("the command could not be started: \(handle.lastError)") }
            var result = try await exchange(channel, input, limit, until: deadline)
            // The status comes after the last byte of output.
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
            return result
        }
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
        _ channel: SSHChannel, _ input: [UInt8], _ limit: Int, until deadline: ContinuousClock.Instant?
    ) async throws -> SSHResult {
        var result = SSHResult(status: nil)
        var rest = input[...]
        var hasSentEnd = false
        while true {
            var moved = false
            if !rest.isEmpty {
                let count = channel.write(rest)
                if count > 0 {
                    rest = rest.dropFirst(count)
                    moved = true
                } else if count != Int(LIBSSH2_ERROR_EAGAIN) {
                    // A command that ends without reading everything closes its input; its status tells the rest.
                    rest = []
                }
            } else if !hasSentEnd {
                hasSentEnd = true
                _ = try await step(until: .now + patience.silence) { _ in libssh2_channel_send_eof(channel.pointer) }
            }
            for stream: Int32 in [0, 1] {
                switch channel.read(stream) {
                case .bytes(let bytes):
                    if stream == 0 { result.output += bytes } else { result.errors += bytes }
                    moved = true
                case .none, .end: break
                case .failed: throw fail("the connection ended while a command ran: \(handle.lastError)")
                }
            }
            guard result.output.count <= limit, result.errors.count <= limit else {
                // The command goes on writing until it notices that nobody reads.
                throw fail("a command wrote more than \(limit) bytes").with(.tooMuchOutput)
            }
            if moved {
                heard = .now
            } else if libssh2_channel_eof(channel.pointer) == 1 {
                return result
            } else {
                try await pause(until: deadline)
            }
        }
    }

    /// Waits for the socket, and asks a silent host for a sign of life.
    func pause(_ others: [Int32: SSHLoop.Interest] = [:], until deadline: ContinuousClock.Instant?) async throws {
        let next = min(deadline ?? .now + patience.silence, .now + patience.silence / 3)
        let sockets = others.merging([handle.socket: handle.blocked]) { $1 }
        if await loop.ready(sockets, until: next) { return }
        try Task.checkCancellation()
        if let deadline, deadline <= .now {
            throw fail("the command took too long").with(.timedOut)
        }
        if ContinuousClock.now - heard > patience.silence {
            throw fail("the host was silent for \(patience.silence)").with(.timedOut)
        }
        libssh2_keepalive_config(handle.session, 1, 2)
        var seconds: Int32 = 0
        guard libssh2_keepalive_send(handle.session, &seconds) == 0 else { throw fail("the connection ended") }
    }
}

extension SSHError {
    fileprivate func with(_ kind: Kind) -> SSHError {
        var error = self
        error.kind = kind
        return error
    }
}
