import Foundation
import Testing

/// Holds functions back until the test lets them go, behind bubblewrap too: a port of the loopback.
///
/// A function connects and reads. Nobody accepts, so it waits in the kernel; opening closes the port, which ends the
/// read of all who wait and refuses all who come later.
final class Gate: Sendable {
    let port: UInt16
    private let listener: Int32

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && getsockname(listener, address, &length) == 0
            }
        }
        try #require(bound && listen(listener, 128) == 0, "no port on the loopback")
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Once only.
    func open() { close(listener) }

    /// The code of `code.handle` that waits until the gate is open. `word` is the process's own.
    func code(then: String = "return word") -> String {
        """
        import os, socket, time
        word = os.urandom(8).hex()
        def handle():
            try:
                socket.create_connection(("127.0.0.1", \(port))).recv(1)
            except OSError:
                pass
            \(then)
        """
    }
}
