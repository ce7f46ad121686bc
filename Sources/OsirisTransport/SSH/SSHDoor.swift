import Foundation

/// A TCP listener on loopback that lets in one connection, from a socket that is made with it: for somebody, such as
/// libcurl, who insists on connecting a socket himself.
///
/// Nobody else gets in, because the socket is bound before anyone knows the listener.
struct SSHDoor {
    /// Non-blocking; the owner of the door closes it.
    let listener: Int32
    /// Not connected yet; whoever connects it closes it.
    let client: Int32
    /// What to connect to, a `sockaddr_in`.
    let address: [UInt8]
    private let clientName: [UInt8]

    /// Nil when there are no more file descriptors or ports.
    init?() {
        guard let listener = Self.bound() else { return nil }
        guard let client = Self.bound() else {
            close(listener)
            return nil
        }
        _ = fcntl(listener, F_SETFL, O_NONBLOCK)
        let names = (Self.name(listener, getsockname), Self.name(client, getsockname))
        guard listen(listener, 4) == 0, let address = names.0, let clientName = names.1 else {
            close(listener)
            close(client)
            return nil
        }
        (self.listener, self.client, self.address, self.clientName) = (listener, client, address, clientName)
    }

    /// The connection of the client; nil when it is not there now.
    func accept() -> Int32? {
        while true {
            let descriptor = Foundation.accept(listener, nil, nil)
            if descriptor < 0 { return nil }
            if Self.name(descriptor, getpeername) == clientName {
                _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
                Self.prepare(descriptor)
                return descriptor
            }
            close(descriptor)
        }
    }

    /// A TCP socket with a port of its own on loopback.
    private static func bound() -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        prepare(descriptor)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if isBound { return descriptor }
        close(descriptor)
        return nil
    }

    private static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func name(
        _ descriptor: Int32, _ get: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> [UInt8]? {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { get(descriptor, $0, &size) }
        }
        return code == 0 ? withUnsafeBytes(of: &address) { Array($0.prefix(Int(size))) } : nil
    }
}
