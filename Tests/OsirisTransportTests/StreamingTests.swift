import Foundation
import OsirisModel
import Synchronization
import Testing

@testable import OsirisTransport

/// Bodies that are not held in memory.
@Suite(.serialized) struct StreamingTests {
    let server: TestServer
    let client = HTTPClient()

    init() async throws { server = try await TestServer() }

    private struct Cut: Error, Equatable {}

    /// A body of so many bytes, cut off with an error after `end`.
    private func upload(_ size: Int, end: Int? = nil) -> HTTPUpload {
        let sent = Mutex(0)
        return HTTPUpload(size: size) { most in
            try sent.withLock { sent in
                if let end, sent >= end { throw Cut() }
                let count = min(most, size - sent, 7_001)
                defer { sent += count }
                return (sent..<sent + count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            }
        }
    }

    @Test(arguments: [0, 1, 100_000, 5_000_000])
    func whatIsReadArrivesAndIsHandedOn(size: Int) async throws {
        var request = HTTPRequest("POST", server.base + "/raw")
        request.upload = upload(size)
        let received = Mutex<[UInt8]>([])
        request.receive = { piece in received.withLock { $0 += piece } }
        let response = try await client.send(request)
        #expect(response.status == 200 && response.body.isEmpty)
        #expect(received.withLock { $0 } == (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    }

    @Test func anErrorOfTheReaderEndsTheExchange() async throws {
        var request = HTTPRequest("POST", server.base + "/raw")
        request.upload = upload(1_000_000, end: 200_000)
        await #expect(throws: Cut()) { try await client.send(request) }
        var download = HTTPRequest("GET", server.base + "/big?1000000")
        download.receive = { _ in throw Cut() }
        await #expect(throws: Cut()) { try await client.send(download) }
        // The client goes on.
        let answer = try await client.send(HTTPRequest("GET", server.base + "/big?10"))
        #expect(answer.body.count == 10)
    }

    /// The answer to a failed request is for its error message, not for the file.
    @Test func anAnswerThatIsNoSuccessIsCollected() async throws {
        var request = HTTPRequest("GET", server.base + "/redirect")
        let received = Mutex(0)
        request.receive = { piece in received.withLock { $0 += piece.count } }
        #expect(try await client.send(request).status == 302)
        #expect(received.withLock { $0 } == 0)
    }
}
