import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import OsirisHub

/// The wire alone, over pipes whose other ends the test holds.
@Suite(.serialized) struct HTTPWireTests {
    /// Endless pieces, and how many were taken.
    private final class Endless: AsyncSequence, AsyncIteratorProtocol, Sendable {
        static let piece = 32_768
        let taken = Mutex(0)

        func makeAsyncIterator() -> Endless { self }

        func next() async throws -> ByteBuffer? {
            taken.withLock { $0 += 1 }
            return ByteBuffer(repeating: 7, count: Self.piece)
        }
    }

    /// Bytes that a pipe holds.
    private static func held(_ descriptor: Int32) -> Int {
        var count: Int32 = 0
        _ = ioctl(descriptor, UInt(FIONREAD), &count)
        return Int(count)
    }

    private static func pipes() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private static func with(
        _ test: (_ wire: HTTPWire, _ requests: Int32, _ answers: Int32) async throws -> Void
    ) async throws {
        let requests = try pipes()
        let answers = try pipes()
        let channel = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .takingOwnershipOfDescriptors(input: answers.read, output: requests.write).get()
        let wire = try await HTTPWire.open(channel)
        // Closed also when the test fails: a call that it started would wait for ever.
        defer {
            channel.close(promise: nil)
            close(requests.read)
        }
        try await test(wire, requests.read, answers.write)
    }

    private static func say(_ descriptor: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    }

    @Test func aFunctionThatDoesNotReadHoldsTheUploadBack() async throws {
        try await Self.with { wire, requests, answers in
            let body = Endless()
            let call = InstanceCall(
                id: "c", method: .post, path: "/", headers: [:],
                body: .stream(RequestBody(asyncSequence: body), length: nil))
            let outcome = Task { try await wire.run(call, to: AnswerStream(), limit: 1000) }
            try await eventually("the pipe is full") { Self.held(requests) > 40_000 }
            // Time enough for one that would not wait.
            for _ in 0..<2000 { await Task.yield() }
            // What the pipe has, and a few pieces that are on their way into it.
            #expect(body.taken.withLock { $0 } <= 65_536 / Endless.piece + 4)
            Self.say(answers, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            // It answered before it read; the rest of the request is what the pipe has, and its end.
            let rest = Task { try await BlockingWork.run { Self.readToEnd(requests) } }
            let answer = try await outcome.value
            guard case .answered(let head, let bytes) = answer else {
                return #expect(Bool(false), "\(answer)")
            }
            #expect(head.status == 200 && String(buffer: bytes) == "ok")
            #expect(try await rest.value.hasSuffix("0\r\nOsiris-Aborted: 1\r\n\r\n"))
        }
    }

    /// What comes up to the last chunk and its trailers. Blocks.
    private static func readToEnd(_ descriptor: Int32) -> String {
        var text = ""
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while !text.hasSuffix("Osiris-Aborted: 1\r\n\r\n") {
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { break }
            text += String(decoding: bytes[..<count], as: UTF8.self)
        }
        return text
    }

    @Test func anInstanceThatKeepsWhatNobodyWantsIsGivenUp() async throws {
        try await Self.with { wire, requests, answers in
            let call = InstanceCall(
                id: "c", method: .post, path: "/", headers: [:],
                body: .stream(RequestBody(asyncSequence: Endless()), length: nil))
            let outcome = Task { try await wire.run(call, to: AnswerStream(), limit: 1000) }
            try await eventually("the pipe is full") { Self.held(requests) > 40_000 }
            Self.say(answers, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await #expect(throws: WireFault.broken("It did not read the rest of a request that it had answered.")) {
                try await outcome.value
            }
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", WireFault.tooLarge),
        ("hello\r\n\r\n", WireFault.broken("")), ("", WireFault.closed),
    ])
    func whatIsNoAnswer(_ text: String, _ fault: WireFault) async throws {
        try await Self.with { wire, requests, answers in
            let call = InstanceCall(
                id: "c", method: .get, path: "/", headers: [:], body: .whole(ByteBuffer()))
            let answer = Task { try await wire.run(call, to: AnswerStream(), limit: 1000) }
            try await eventually("the request is sent") { Self.held(requests) > 0 }
            if !text.isEmpty { Self.say(answers, text) }
            close(answers)
            let error = await #expect(throws: WireFault.self) { try await answer.value }
            if case .broken = fault {
                guard case .broken = error else { return #expect(Bool(false), "\(String(describing: error))") }
            } else {
                #expect(error == fault)
            }
        }
    }
}
