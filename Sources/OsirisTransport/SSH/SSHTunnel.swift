import CLibSSH2
import Foundation

/// Tunnels to hosts behind a jump host (`direct-tcpip`, RFC 4254, section 7.2).
extension SSHConnection {
    /// Most bytes kept for a side that does not take them.
    private static let tunnelBytes = 256 * 1024

    /// Opens a TCP connection from this host to another one.
    /// - Returns: a socket that stands for it, which the caller closes. The tunnel ends with the socket.
    func tunnel(to destination: SSHDestination, until deadline: ContinuousClock.Instant) async throws -> Int32 {
        guard let pair = SSHSocket.pair() else {
            throw SSHError(.lost, place, "no socket for the tunnel: \(String(cString: strerror(errno)))")
        }
        do {
            try await carry(pair.near, to: destination.host, port: destination.port, until: deadline)
        } catch {
            Foundation.close(pair.near)
            Foundation.close(pair.far)
            throw error
        }
        return pair.far
    }

    /// Waits for the connection that a door is for.
    /// - Returns: nil if there was none by the deadline.
    func accept(_ door: SSHDoor, until deadline: ContinuousClock.Instant) async -> Int32? {
        while true {
            if let socket = door.accept() { return socket }
            guard await loop.ready([door.listener: .read], until: deadline) else { return nil }
        }
    }

    /// Opens a TCP connection from this host, and moves bytes between it and a socket until one of both ends.
    /// - Parameter near: a non-blocking socket; closed with the tunnel, and left to the caller by an error.
    /// - Throws: `SSHError`; `unreachable` if the host cannot connect to there.
    func carry(_ near: Int32, to host: String, port: Int, until deadline: ContinuousClock.Instant) async throws {
        tally.note { $0.tunnels += 1 }
        let channel = try await exclusively {
            let pointer = try await step(
                until: deadline,
                making: { libssh2_channel_direct_tcpip_ex($0, host, Int32(port), "127.0.0.1", 22) })
            if let pointer { return SSHChannel(pointer) }
            guard handle.lastCode == LIBSSH2_ERROR_CHANNEL_FAILURE else {
                throw fail("the connection ended: \(handle.lastError)")
            }
            throw SSHError(
                .unreachable, "\(host):\(port)", "not reached from \(place): \(handle.lastError)",
                help: "does something listen there, and does the sshd in between allow AllowTcpForwarding?")
        }
        Task { await self.pump(channel, near) }
    }

    /// Moves bytes both ways until one side has ended.
    private func pump(_ channel: SSHChannel, _ near: Int32) async {
        var toNear: [UInt8] = []
        var toHost: [UInt8] = []
        var hostEnded = false
        var nearEnded = false
        do {
            while true {
                var moved = false
                if !hostEnded, toNear.count < Self.tunnelBytes {
                    switch try await exclusively({ channel.read(0) }) {
                    case .bytes(let bytes):
                        toNear += bytes
                        moved = true
                        // Packets for others may have come along, and nobody will be woken for them.
                        loop.nudge(handle.socket)
                    case .none: break
                    case .end, .failed: hostEnded = true
                    }
                }
                if !toHost.isEmpty, !hostEnded {
                    let count = try await exclusively { try await write(toHost[...], on: channel) }
                    if let count { toHost.removeFirst(count) } else { hostEnded = true }
                    moved = moved || count ?? 0 > 0
                }
                moved = Self.write(&toNear, to: near, ended: &nearEnded) || moved
                if toHost.count < Self.tunnelBytes {
                    moved = Self.read(near, into: &toHost, ended: &nearEnded) || moved
                }
                if hostEnded && toNear.isEmpty || nearEnded && toHost.isEmpty { break }
                if moved { continue }
                // A socket whose other end is closed would wake at once, for nothing.
                var sockets: [Int32: SSHLoop.Interest] = [:]
                if !hostEnded { sockets[handle.socket] = .read }
                if !nearEnded {
                    sockets[near] = toHost.count < Self.tunnelBytes ? .read : []
                    if !toNear.isEmpty { sockets[near]?.insert(.write) }
                }
                handle.expectAnswer()
                _ = await loop.ready(sockets, until: .now + .seconds(60))
            }
            try await exclusively {
                _ = try await step(until: .now + patience.silence) { _ in libssh2_channel_free(channel.pointer) }
                loop.nudge(handle.socket)
            }
        } catch {
            // The connection is of no use any more, and frees the channel with itself.
        }
        Foundation.close(near)
    }

    private static func write(_ bytes: inout [UInt8], to socket: Int32, ended: inout Bool) -> Bool {
        guard !bytes.isEmpty else { return false }
        let count = bytes.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count > 0 { bytes.removeFirst(count) }
        if count < 0, errno != EAGAIN { ended = true }
        return count > 0
    }

    private static func read(_ socket: Int32, into bytes: inout [UInt8], ended: inout Bool) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        let count = recv(socket, &buffer, buffer.count, 0)
        if count > 0 { bytes += buffer.prefix(count) }
        if count == 0 || (count < 0 && errno != EAGAIN) { ended = true }
        return count > 0
    }
}
