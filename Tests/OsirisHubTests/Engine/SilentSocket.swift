import Foundation
import Testing

/// A Unix socket that takes connections and says nothing, as an engine that hangs.
final class SilentSocket: Sendable {
    let path = NSTemporaryDirectory() + "osiris-silent-" + UUID().uuidString.prefix(8)
    private let listener: Int32

    init() throws {
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(bound && listen(listener, 64) == 0)
    }

    /// Whether the first who came is still there, waiting for an answer. Once only.
    func firstStillWaits() -> Bool {
        let first = accept(listener, nil, nil)
        defer { close(first) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(first, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count <= 0 { return first >= 0 && count < 0 && errno == EAGAIN }
        }
    }

    func end() {
        close(listener)
        unlink(path)
    }
}
