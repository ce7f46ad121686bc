import Foundation
import NIOCore
import NIOPosix

/// The socket that new connections come to.
struct Listener: Sendable {
    let channel: any Channel

    /// Lets no connection begin any more, and those be taken that had begun.
    ///
    /// What the kernel has set up and nobody took when a listening socket closes is reset, though its caller may have sent
    /// a request. So the kernel is told first to drop what asks for new connections, as if it were lost on the way: their
    /// callers try again on their own, and then meet a closed port (socket(7), `SO_ATTACH_FILTER`). Where it is not Linux'
    /// TCP underneath, nothing is done.
    func turnAway() async {
        guard let socket = channel as? any SocketOptionProvider else { return }
        let program = FilterProgram(length: 4, instructions: UInt(bitPattern: Self.dropNew))
        let isSet: Void? = try? await socket.unsafeSetSocketOption(
            level: .socket, name: .init(rawValue: SO_ATTACH_FILTER), value: program
        ).get()
        guard isSet != nil else { return }
        // A handshake that is under way ends within this time, on a busy machine too.
        try? await Task.sleep(for: .milliseconds(200))
        let deadline = ContinuousClock.now + .milliseconds(500)
        while await waiting(at: socket) > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        // What was taken is set up on a loop, and then handed to the server on the listener's: a busy loop may not have come
        // to it, and the server waits for none that it was not handed.
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { try? await loop.submit {}.get() }
        try? await channel.eventLoop.submit {}.get()
    }

    /// How many connections nobody took yet: `tcpi_unacked` of a socket that listens.
    private func waiting(at socket: any SocketOptionProvider) async -> UInt32 {
        let info: tcp_info? = try? await socket.unsafeGetSocketOption(
            level: .tcp, name: .init(rawValue: CInt(TCP_INFO))
        ).get()
        return info?.tcpi_unacked ?? 0
    }

    /// `struct sock_fprog` of linux/filter.h.
    private struct FilterProgram: Sendable {
        var length: UInt16
        /// Address of the first `struct sock_filter`.
        var instructions: UInt
    }

    /// Keeps no byte of a packet with the flag SYN (RFC 9293, 3.1), and all of any other: a caller who has its answer to
    /// one takes itself to be connected. Lives as long as the program.
    private nonisolated(unsafe) static let dropNew: UnsafeMutablePointer<Instruction> = {
        let program: [Instruction] = [
            Instruction(code: 0x30, k: 13),  // BPF_LD | BPF_B | BPF_ABS: the flags
            Instruction(code: 0x45, no: 1, k: 0x02),  // BPF_JMP | BPF_JSET | BPF_K
            Instruction(code: 0x06, k: 0),  // BPF_RET | BPF_K
            Instruction(code: 0x06, k: .max),
        ]
        let place = UnsafeMutablePointer<Instruction>.allocate(capacity: program.count)
        place.initialize(from: program, count: program.count)
        return place
    }()

    /// `struct sock_filter` of linux/filter.h.
    private struct Instruction {
        var code: UInt16
        /// How many instructions to pass over.
        var yes: UInt8 = 0
        var no: UInt8 = 0
        var k: UInt32
    }
}
