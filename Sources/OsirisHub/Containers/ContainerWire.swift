import NIOCore
import NIOPosix

/// The way to a container's port: one connection, kept for the next call while that comes soon.
actor ContainerWire {
    /// How long a connection is kept without a call. Servers close idle ones, the usual ones not before 5 seconds.
    static let kept = Duration.seconds(1)

    private let host: String
    private let port: Int
    private var wire: HTTPWire?
    private var used = ContinuousClock.now

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Sends a call and takes its answer.
    /// - Throws: `WireFault`, or why there is no connection.
    func run(_ call: InstanceCall, to answer: AnswerStream, limit: Int) async throws -> Instance.Outcome {
        let wire = try await connection()
        self.wire = nil
        var call = call
        if call.headers[.host] == nil { call.headers[.host] = "\(host):\(port)" }
        let outcome: Instance.Outcome
        do {
            outcome = try await wire.run(call, to: answer, limit: limit)
        } catch {
            wire.close()
            throw error
        }
        if wire.takesMore {
            self.wire = wire
            used = .now
        } else {
            wire.close()
        }
        return outcome
    }

    func close() {
        wire?.close()
        wire = nil
    }

    private func connection() async throws -> HTTPWire {
        if let wire, wire.takesMore, .now - used < Self.kept { return wire }
        close()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5)).channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: port).get()
        return try await HTTPWire.open(channel, peer: .server)
    }
}
