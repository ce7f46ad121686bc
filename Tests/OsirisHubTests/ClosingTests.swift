import Foundation
import Synchronization
import Testing

/// What callers see of a hub that ends under them.
@Suite(.serialized) struct ClosingTests {
    /// How connections ended.
    struct Seen: Sendable {
        var answered = 0
        /// Accepted, and ended without an answer: the caller cannot know whether its request ran.
        var broken = 0
    }

    /// Callers that open a connection for each request see answers, and then a closed port.
    @Test func noRequestIsLost() async throws {
        for _ in 0..<6 {
            let folder = try TestHub.makeFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let hub = try await RunningProgram.start(folder)
            let port = UInt16(hub.client.port)
            let answers = Answers()
            let seen = try await withThrowingTaskGroup(of: Seen.self) { group in
                for _ in 0..<8 {
                    group.addTask { await onThread { callUntilClosed(port, answers) } }
                }
                try await eventually("calls are answered") { answers.count.withLock { $0 } > 100 }
                hub.process.signal(SIGTERM)
                return try await group.reduce(into: Seen()) {
                    $0.answered += $1.answered
                    $0.broken += $1.broken
                }
            }
            let end = await hub.status()
            #expect(end == .code(0), "\(end)")
            #expect(seen.answered > 0 && seen.broken == 0, "\(seen)")
        }
    }

    /// A connection that is open has its next request answered, and is told that there is no other.
    @Test func anOpenConnectionHasOneMoreAnswer() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        let port = UInt16(hub.client.port)
        let socket = try #require(await onThread { connected(port) })
        defer { close(socket) }
        #expect(await onThread { exchange(socket, keep: true) }?.hasPrefix("HTTP/1.1 200") == true)
        hub.process.signal(SIGTERM)
        let isTold = await onThread {
            while let answer = exchange(socket, keep: true) {
                if answer.lowercased().contains("connection: close") { return true }
            }
            return false
        }
        #expect(isTold)
        #expect(await hub.status() == .code(0))
    }

    /// A caller may send head and body apart, as Python's http.client does: one that is answered before its body has come is
    /// not reset for that.
    @Test func aRequestThatComesInPiecesIsAnswered() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        let port = UInt16(hub.client.port)
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        for _ in 0..<12 { sockets.append(try #require(await onThread { connected(port) })) }
        hub.process.signal(SIGTERM)
        let answers = await withTaskGroup(of: String?.self) { group in
            // From before the hub closes its connections until after that.
            for (number, socket) in sockets.enumerated() {
                group.addTask {
                    await onThread {
                        usleep(20_000 * UInt32(number))
                        return sendInPieces(socket)
                    }
                }
            }
            return await group.reduce(into: [String?]()) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0?.hasPrefix("HTTP/1.1 ") == true }, "\(answers)")
        #expect(await hub.status() == .code(0))
    }
}

/// A call of no function. Nil if the connection ended without an answer, or before all of the call was sent.
private func sendInPieces(_ socket: Int32) -> String? {
    let head = "POST /function/none/none HTTP/1.1\r\nHost: hub.test\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    for piece in [head, "{", "}"] {
        guard send(socket, piece, piece.utf8.count, Int32(MSG_NOSIGNAL)) == piece.utf8.count else { return nil }
        usleep(60_000)
    }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(socket, &bytes, bytes.count, 0)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
}

private func onThread<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}

/// Those that callers have had.
private final class Answers: Sendable {
    let count = Mutex(0)
}

private func callUntilClosed(_ port: UInt16, _ answers: Answers) -> ClosingTests.Seen {
    var seen = ClosingTests.Seen()
    while let socket = connected(port) {
        if exchange(socket, keep: false) == nil {
            seen.broken += 1
        } else {
            seen.answered += 1
            answers.count.withLock { $0 += 1 }
        }
        close(socket)
    }
    return seen
}

/// Nil if nobody takes the connection.
private func connected(_ port: UInt16) -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    if result == 0 { return descriptor }
    close(descriptor)
    return nil
}

/// Sends one request. Nil if the connection ended without an answer.
private func exchange(_ socket: Int32, keep: Bool) -> String? {
    let text = "GET /healthz HTTP/1.1\r\nHost: hub.test\r\nConnection: \(keep ? "keep-alive" : "close")\r\n\r\n"
    let flags = Int32(MSG_NOSIGNAL)
    guard send(socket, text, text.utf8.count, flags) == text.utf8.count else { return nil }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(socket, &bytes, bytes.count, 0)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
}
