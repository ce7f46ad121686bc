import Foundation
import NIOCore

/// The socket that new connections come to.
struct Listener: Sendable {
    let channel: any Channel

    /// Lets no connection begin any more, and those be taken that had begun.
    ///
    /// What the kernel has set up and nobody took when a listening socket closes is reset, though its caller may have sent
    /// a request. So the kernel is told first to drop what arrives for new connections, as if it were lost on the way:
    /// their callers try again on their own, and then meet a closed port (socket(7), `SO_ATTACH_FILTER`). Where it is not
    /// Linux' TCP underneath, nothing is done.
    func turnAway() async {
        guard let socket = channel as? any SocketOptionProvider else { return }
        let program = FilterProgram(length: 1, instructions: UInt(bitPattern: Self.dropAll))
        let isSet: Void? = try? await socket.unsafeSetSocketOption(
            level: .socket, name: .init(rawValue: SO_ATTACH_FILTER), value: program
        ).get()
        if isSet != nil { try? await Task.sleep(for: .milliseconds(50)) }
    }

    /// `struct sock_fprog` of linux/filter.h.
    private struct FilterProgram: Sendable {
        var length: UInt16
        /// Address of the first `struct sock_filter`.
        var instructions: UInt
    }

    /// One instruction, `BPF_RET | BPF_K` with 0: keep no byte of the packet. Lives as long as the program.
    private nonisolated(unsafe) static let dropAll: UnsafeMutablePointer<UInt64> = {
        let instruction = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
        instruction.initialize(to: UInt64(0x06).littleEndian)
        return instruction
    }()
}
