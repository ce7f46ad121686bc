import CLibSSH2

/// A channel of a connection; freed with it or before.
final class SSHChannel {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    /// What one read gave.
    enum Read {
        case bytes([UInt8])
        /// Nothing now.
        case none
        case end
        case failed
    }

    /// Reads what is there.
    /// - Parameter stream: 0 for the output, 1 for the errors.
    func read(_ stream: Int32, most: Int = 32 * 1024) -> Read {
        var buffer = [UInt8](repeating: 0, count: most)
        let count = buffer.withUnsafeMutableBytes {
            libssh2_channel_read_ex(pointer, stream, $0.bindMemory(to: CChar.self).baseAddress, most)
        }
        if count > 0 { return .bytes(Array(buffer.prefix(count))) }
        if count == Int(LIBSSH2_ERROR_EAGAIN) { return .none }
        if count < 0 { return .failed }
        return libssh2_channel_eof(pointer) == 1 ? .end : .none
    }

    /// Writes as much as goes now.
    /// - Returns: bytes written, `LIBSSH2_ERROR_EAGAIN` or another error. 0 is as good as the former.
    func write(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.withUnsafeBytes {
            libssh2_channel_write_ex(pointer, 0, $0.bindMemory(to: CChar.self).baseAddress, min($0.count, 32 * 1024))
        }
    }
}
