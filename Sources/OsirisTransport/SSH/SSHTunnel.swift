import CLibSSH2
import Foundation

/// Tunnels to hosts behind a jump host (`direct-tcpip`, RFC 4254, section 7.2).
extension SSHConnection {
    /// Most bytes kept for a side that does not take them.
    private static let tunnelBytes = 256 * 1024

    /// Opens a TCP connection from this host to another one.
    /// - Returns: a socket that stands for it, which the caller closes. The tunnel ends with the socket.
    func tunnel(to destination: SSHDestination, until deadline: ContinuousClock.Instant) async throws -> Int32 {
        let pointer = try await exclusively {
            try await step(
                until: deadline,
                making: {
                    libssh2_channel_direct_tcpip_ex($0, destination.host, Int32(destination.port), "127.0.0.1", 22)
                })
        }
        guard let pointer else {
            throw SSHError(
                .unreachable, destination.text, "not reached from \(place): \(handle.lastError)",
                help: "does the jump host reach it, and does its sshd allow AllowTcpForwarding?")
        }
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            libssh2_channel_free(pointer)
            throw SSHError(.lost, place, "no socket for the tunnel: \(String(cString: strerror(errno)))")
        }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        let near = ends[0]
        let channel = SSHChannel(pointer)
        Task { await self.pump(channel, near) }
        return ends[1]
    }

    /// Moves bytes both ways until one side has ended.
    private func pump(_ channel: SSHChannel, _ near: Int32) async {
        var toNear: [UInt8] = []
        var toHost: [UInt8] = []
        var hostEnded = false
        var nearEnded = false
        defer {
            libssh2_channel_free(channel.pointer)
            Foundation.close(near)
        }
        while !(hostEnded && toNear.isEmpty), !(nearEnded && toHost.isEmpty) {
            var moved = false
            do {
                try await exclusively {
                    if !hostEnded, toNear.count < Self.tunnelBytes {
                        switch channel.read(0) {
                        case .bytes(let bytes):
                            toNear += bytes
                            moved = true
                            // The packets of other tunnels may have come along, and nobody will be woken for them.
                            loop.nudge(handle.socket)
                        case .none: break
                        case .end, .failed: hostEnded = true
                        }
                    }
                    if !toHost.isEmpty {
                        // To the end: a packet half sent must not be followed by another one.
                        var rest = toHost[...]
                        while !rest.isEmpty {
                            let count = channel.write(rest)
                            if count > 0 {
                                rest = rest.dropFirst(count)
                            } else if count != Int(LIBSSH2_ERROR_EAGAIN) {
                                hostEnded = true
                                break
                            } else if handle.blocked.contains(.write) {
                                guard await loop.ready([handle.socket: .write], until: .now + patience.silence) else {
                                    hostEnded = true
                                    break
                                }
                            } else {
                                // The window of this tunnel is full; others go on meanwhile.
                                break
                            }
                        }
                        moved = moved || rest.count < toHost.count
                        toHost = Array(rest)
                    }
                }
            } catch {
                return
            }
            moved = Self.write(&toNear, to: near, ended: &nearEnded) || moved
            if toHost.count < Self.tunnelBytes {
                moved = Self.read(near, into: &toHost, ended: &nearEnded) || moved
            }
            if moved || hostEnded || nearEnded { continue }
            var interest: SSHLoop.Interest = []
            if toHost.count < Self.tunnelBytes { interest.insert(.read) }
            if !toNear.isEmpty { interest.insert(.write) }
            _ = await loop.ready([near: interest, handle.socket: .read], until: .now + .seconds(60))
        }
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
