import CLibSSH2
import Foundation

/// A login on one host. Runs commands and carries tunnels, many at a time.
///
/// All its code runs on the thread of an `SSHLoop`.
public actor SSHConnection {
    /// `user@host:port`, with `via …` for jumps.
    public nonisolated let place: String
    /// The key the host has shown, which is a known one.
    public private(set) var hostKey: SSHHostKey?

    nonisolated let life: SSHLoop.Life
    nonisolated var loop: SSHLoop { life.loop }
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    let handle: SSHHandle
    let patience: SSHPatience
    let tally: SSHTally
    /// When the host was last heard.
    var heard = ContinuousClock.now
    private var failure: SSHError?
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// The connection that carries this one; kept as long as this one.
    private let jump: SSHConnection?

    /// - Parameters:
    ///   - socket: taken over, and closed with the connection or by the error.
    init(
        socket: Int32, place: String, life: SSHLoop.Life, patience: SSHPatience, tally: SSHTally, jump: SSHConnection?
    ) throws {
        guard let handle = SSHHandle(socket: socket) else {
            throw SSHError(.lost, place, "libssh2 cannot start a session")
        }
        self.handle = handle
        self.place = place
        self.life = life
        self.patience = patience
        self.tally = tally
        self.jump = jump
    }

    /// Exchanges keys and compares the host's with the known ones. Nothing of the user has been sent when this throws.
    /// - Parameter hostKeys: algorithms to agree on, the preferred ones first.
    /// - Returns: false if the known keys are of other types than the one the host has shown.
    func greet(
        _ destination: SSHDestination, hostKeys: [String], until deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        libssh2_session_method_pref(handle.session, LIBSSH2_METHOD_HOSTKEY, hostKeys.joined(separator: ","))
        let code = try await step(until: deadline) { libssh2_session_handshake($0, self.handle.socket) }
        guard code == 0, let key = handle.hostKey else {
            if code == LIBSSH2_ERROR_KEX_FAILURE || code == LIBSSH2_ERROR_METHOD_NONE { return false }
            throw SSHError(
                .unreachable, place, "the SSH handshake failed: \(handle.lastError)",
                help: "is it an SSH server that listens on port \(destination.port)?")
        }
        let name = destination.hostKeyAlias ?? destination.host
        let port = destination.hostKeyAlias == nil ? destination.port : nil
        let known = (files: destination.knownHosts, keys: destination.knownKeys)
        switch SSHKnownHosts.verdict(handle, known, name: name, port: port) {
        case .known:
            hostKey = key
            return true
        case .otherType:
            hostKey = key
            return false
        case .unknown:
            throw SSHError(
                .unknownHostKey(key), place, "its host key \(key.type) \(key.fingerprint) is not known",
                help: "compare it with what `ssh-keygen -lf` prints on the host, then `osiris hosts trust`")
        case .changed:
            throw SSHError(
                .changedHostKey(key), place,
                "its host key is now \(key.type) \(key.fingerprint), and the known one is another",
                help: "somebody may be in between, or the host was installed anew; nothing was sent to it")
        }
    }

    /// False once it has failed, was closed or was ended by the host.
    var isUsable: Bool {
        var byte: UInt8 = 0
        if failure == nil, recv(handle.socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0 {
            _ = fail("the host ended the connection")
        }
        return failure == nil
    }

    /// Ends the connection in order; without it the socket is just closed.
    public func close() async {
        guard failure == nil else { return }
        _ = fail("the connection was closed")
        let deadline = ContinuousClock.now + .seconds(1)
        _ = try? await step(until: deadline) {
            libssh2_session_disconnect_ex($0, SSH_DISCONNECT_BY_APPLICATION, "", "")
        }
    }
}

// What all operations are made of.
extension SSHConnection {
    /// Does something that nobody else may come between, as it leaves packets half sent when it has to wait.
    func exclusively<T>(_ body: () async throws -> T) async throws -> T {
        if isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
        defer {
            isBusy = false
            if !waiting.isEmpty {
                isBusy = true
                waiting.removeFirst().resume()
            }
        }
        if let failure { throw failure }
        return try await body()
    }

    /// Repeats a call until libssh2 does not want it repeated.
    /// - Returns: what it returned last; the caller judges it.
    /// - Throws: `SSHError` `timedOut`, `CancellationError`; the connection is of no use afterwards.
    func step(until deadline: ContinuousClock.Instant, _ call: (OpaquePointer) -> Int32) async throws -> Int32 {
        while true {
            let code = call(handle.session)
            if code != LIBSSH2_ERROR_EAGAIN { return code }
            handle.expectAnswer()
            guard await loop.ready([handle.socket: handle.blocked], until: deadline) else {
                let error = fail("no answer in time").with(.timedOut, help: "is the host very busy, or gone?")
                try Task.checkCancellation()
                throw error
            }
            heard = .now
        }
    }

    /// The same for a call that returns an object.
    /// - Returns: nil if it failed; `handle.lastError` tells why.
    func step(
        until deadline: ContinuousClock.Instant, making call: (OpaquePointer) -> OpaquePointer?
    ) async throws -> OpaquePointer? {
        var object: OpaquePointer?
        _ = try await step(until: deadline) { session in
            object = call(session)
            return object == nil ? libssh2_session_last_errno(session) : 0
        }
        return object
    }

    /// The connection is of no use any more.
    func fail(_ reason: String) -> SSHError {
        let error = SSHError(.lost, place, reason, help: "what ran on the host may still run")
        if failure == nil {
            failure = error
            // Who waits for the host waits for nothing.
            loop.nudge(handle.socket)
        }
        return error
    }
}
