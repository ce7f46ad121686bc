import Foundation

/// TCP connections for SSH, made without blocking.
enum SSHSocket {
    /// Connects to the first address of the host that answers.
    /// - Returns: a non-blocking socket, which the caller closes.
    /// - Throws: `SSHError` `unreachable` or `timedOut`; `CancellationError`.
    static func connect(
        to destination: SSHDestination, on loop: SSHLoop, until deadline: ContinuousClock.Instant
    ) async throws -> Int32 {
        let addresses = try await resolve(destination)
        var last = SSHError(.unreachable, destination.text, "the name has no address")
        for (index, address) in addresses.enumerated() {
            // One silent address must not use up the time of the others.
            let share = (deadline - .now) / (addresses.count - index)
            do {
                return try await connect(address, destination, on: loop, until: .now + share)
            } catch let error as SSHError {
                last = error
            }
        }
        throw last
    }

    /// Two connected stream sockets of this machine, non-blocking; nil when there are no more file descriptors.
    static func pair() -> (near: Int32, far: Int32)? {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        return (ends[0], ends[1])
    }

    private struct Address: Sendable {
        var family: Int32
        var bytes: [UInt8]
    }

    private static func connect(
        _ address: Address, _ destination: SSHDestination, on loop: SSHLoop, until deadline: ContinuousClock.Instant
    ) async throws -> Int32 {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw failure(destination, errno) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        let begun = address.bytes.withUnsafeBytes {
            Foundation.connect(
                descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        if begun == 0 { return descriptor }
        guard errno == EINPROGRESS else {
            defer { close(descriptor) }
            throw failure(destination, errno)
        }
        guard await loop.ready([descriptor: .write], until: deadline) else {
            close(descriptor)
            try Task.checkCancellation()
            throw SSHError(
                .timedOut, destination.text, "no answer to the TCP connection",
                help: "is the machine up, and does a firewall drop packets to port \(destination.port)?")
        }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else {
            close(descriptor)
            throw failure(destination, code)
        }
        return descriptor
    }

    private static func failure(_ destination: SSHDestination, _ code: Int32) -> SSHError {
        let help = code == ECONNREFUSED ? "is sshd running, and on port \(destination.port)?" : ""
        return SSHError(.unreachable, destination.text, String(cString: strerror(code)), help: help)
    }

    /// Looks the host up, on a thread that may block.
    private static func resolve(_ destination: SSHDestination) async throws -> [Address] {
        try await withCheckedThrowingContinuation { waiter in
            let thread = Thread {
                var hints = addrinfo()
                hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
                var list: UnsafeMutablePointer<addrinfo>?
                let code = getaddrinfo(destination.host, String(destination.port), &hints, &list)
                guard code == 0 else {
                    let reason = "the name \(destination.host) has no address: \(String(cString: gai_strerror(code)))"
                    waiter.resume(throwing: SSHError(.unreachable, destination.text, reason))
                    return
                }
                defer { freeaddrinfo(list) }
                var addresses: [Address] = []
                var next = list
                while let info = next {
                    let bytes = UnsafeRawBufferPointer(start: info.pointee.ai_addr, count: Int(info.pointee.ai_addrlen))
                    addresses.append(Address(family: info.pointee.ai_family, bytes: Array(bytes)))
                    next = info.pointee.ai_next
                }
                waiter.resume(returning: addresses)
            }
            thread.start()
        }
    }
}
