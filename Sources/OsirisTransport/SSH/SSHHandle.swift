import CLibSSH2
import Foundation

/// A libssh2 session and its socket, which end together.
final class SSHHandle {
    let session: OpaquePointer
    let socket: Int32
    /// What `keyboard-interactive` is answered with; libssh2 hands a pointer to this object to its callback.
    var answer = ""

    /// libssh2 must be set up once before any session, by one thread.
    private static let isReady = libssh2_init(0) == 0

    /// Takes the socket over; it is closed in any case.
    init?(socket: Int32) {
        guard Self.isReady, let session = libssh2_session_init_ex(nil, nil, nil, nil) else {
            close(socket)
            return nil
        }
        self.session = session
        self.socket = socket
        libssh2_session_set_blocking(session, 0)
        libssh2_session_abstract(session)?.pointee = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        // Without a way to the server libssh2 frees at once, instead of asking to be called again.
        shutdown(socket, Int32(SHUT_RDWR))
        libssh2_session_free(session)
        close(socket)
    }

    /// Which way the call that was not finished is blocked.
    var blocked: SSHLoop.Interest {
        let directions = libssh2_session_block_directions(session)
        var interest: SSHLoop.Interest = []
        if directions & LIBSSH2_SESSION_BLOCK_INBOUND != 0 { interest.insert(.read) }
        if directions & LIBSSH2_SESSION_BLOCK_OUTBOUND != 0 { interest.insert(.write) }
        return interest.isEmpty ? .read : interest
    }

    /// Makes the kernel acknowledge at once what comes next: a server that sends its answer in two packets may hold the
    /// second one back until then. The kernel forgets it after some packets (tcp(7), TCP_QUICKACK), so it is asked anew
    /// before each wait. Without effect on the socket of a tunnel.
    func expectAnswer() {
        var yes: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_QUICKACK, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// libssh2's words on its last error.
    var lastError: String {
        var text: UnsafeMutablePointer<CChar>?
        libssh2_session_last_error(session, &text, nil, 0)
        return text.map { String(cString: $0) } ?? ""
    }

    var lastCode: Int32 { libssh2_session_last_errno(session) }

    /// The key the server has shown in the handshake.
    var hostKey: SSHHostKey? {
        var length = 0
        var type: Int32 = 0
        guard let bytes = libssh2_session_hostkey(session, &length, &type),
            let hash = libssh2_hostkey_hash(session, LIBSSH2_HOSTKEY_HASH_SHA256)
        else { return nil }
        let blob = UnsafeRawBufferPointer(start: bytes, count: length)
        // A key begins with its type as a string of SSH: four bytes of length, then the text (RFC 4253, section 6.6).
        let count = blob.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        let name = String(decoding: blob.dropFirst(4).prefix(count), as: UTF8.self)
        let digest = Data(bytes: hash, count: 32).base64EncodedString().trimmingCharacters(in: ["="])
        return SSHHostKey(type: name, base64: Data(blob).base64EncodedString(), fingerprint: "SHA256:" + digest)
    }
}
