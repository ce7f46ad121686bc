import Foundation
import OsirisModel
import Synchronization
import Testing

@testable import OsirisTransport

@Suite(.serialized) struct HTTPClientTests {
    let server: TestServer
    let client = HTTPClient()

    init() async throws { server = try await TestServer() }

    func error(_ request: HTTPRequest) async -> HTTPError? {
        await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
    }

    func stats() async throws -> [String: Value] {
        let response = try await HTTPClient().send(HTTPRequest("GET", server.base + "/stats"))
        return try Value(plainJSON: response.body).mapValue ?? [:]
    }

    @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE"])
    func whatIsSentArrives(method: String) async throws {
        let body: [UInt8]? = method == "GET" ? nil : Array("{\"a\":\"\u{1}\"}".utf8)
        let headers = [
            HTTPHeader("X-One", "1"), HTTPHeader("X-Empty", ""), HTTPHeader("Content-Type", "application/json"),
        ]
        let response = try await client.send(
            HTTPRequest(method, server.base + "/echo?q=1", headers: body == nil ? [] : headers, body: body))
        #expect(response.status == 201)
        #expect(response[header: "x-twice"] == "a" && response[header: "CONTENT-LENGTH"] != nil)
        #expect(response.headers.filter { $0.name == "X-Twice" }.map(\.value) == ["a", "b"])
        let echo = try Value(plainJSON: response.body).mapValue ?? [:]
        #expect(echo["method"]?.stringValue == method && echo["path"] == "/echo?q=1")
        #expect(echo["body"]?.stringValue.map { Array($0.utf8) } ?? [] == body ?? [])
        let received = echo["headers"]?.listValue ?? []
        #expect(received.contains(["content-type", "application/json"]) == (body != nil))
        #expect(received.contains(["x-empty", ""]) == (body != nil))
        #expect(!received.contains { $0.listValue?.first == "expect" })
    }

    @Test func headAndRedirectsAndEmptyBodies() async throws {
        let head = try await client.send(HTTPRequest("HEAD", server.base + "/big?100"))
        #expect(head.status == 200 && head.body.isEmpty && head[header: "content-length"] == "100")
        #expect(try await client.send(HTTPRequest("GET", server.base + "/redirect")).status == 302)
        let empty = try await client.send(HTTPRequest("POST", server.base + "/raw", body: []))
        #expect(empty.status == 200 && empty.body.isEmpty)
    }

    @Test func connectionsAreKept() async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<1_000 {
                if number >= 16 { #expect(try await group.next() == 200) }
                group.addTask { [client, base = server.base] in
                    try await client.send(HTTPRequest("POST", base + "/raw", body: [1])).status
                }
            }
            try await group.waitForAll()
        }
        let stats = try await stats()
        #expect(stats["requests"] == 1_001)
        #expect(stats["connections"]?.intValue ?? 0 <= 40, "\(stats)")
    }

    @Test func twoHundredAtOnce() async throws {
        let sizes = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask { [client, base = server.base] in
                    try await client.send(HTTPRequest("POST", base + "/raw", body: .init(repeating: 7, count: number)))
                        .body.count
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sizes == 199 * 200 / 2)
    }

    @Test func twentyMegabytesBothWays() async throws {
        let body = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let response = try await client.send(HTTPRequest("PUT", server.base + "/raw", body: body))
        #expect(response.body == body)
    }

    @Test func aUnixSocketIsSpokenTo() async throws {
        let request = HTTPRequest("GET", "http://hub/echo", unixSocket: server.socket)
        let echo = try Value(plainJSON: try await client.send(request).body).mapValue
        #expect(echo?["headers"]?.listValue?.contains(["host", "hub"]) == true)
    }

    @Test func faultsHaveKinds() async throws {
        let half = await error(HTTPRequest("GET", server.base + "/half"))
        #expect(half?.kind == .connectionLost(sent: true) && half?.sent == true)
        let nothing = await error(HTTPRequest("POST", server.base + "/nothing", body: [1]))
        #expect(nothing?.kind == .connectionLost(sent: true))
        let large = await error(HTTPRequest("GET", server.base + "/big?100", maxBodySize: 99))
        #expect(large?.kind == .tooLarge && large?.reason == "the body is larger than 99 bytes")
        #expect(try await client.send(HTTPRequest("GET", server.base + "/big?100", maxBodySize: 100)).body.count == 100)
        let refused = await error(HTTPRequest("GET", "http://127.0.0.1:1/"))
        #expect(refused?.kind == .couldNotConnect && refused?.sent == false)
        let unknown = await error(HTTPRequest("GET", "http://nowhere.invalid/"))
        // A resolver may say that there is no such name, or nothing.
        #expect((unknown?.kind == .couldNotConnect || unknown?.kind == .timedOut) && unknown?.sent == false)
        let plain = await error(HTTPRequest("GET", server.base.replacing("http:", with: "https:") + "/"))
        #expect(plain?.kind == .tls)
        for url in ["file:///etc/passwd", "ftp://127.0.0.1/", "nonsense", ""] {
            #expect(await error(HTTPRequest("GET", url))?.sent == false)
        }
        let injected = await error(HTTPRequest("GET", server.base, headers: [HTTPHeader("A", "b\r\nC: d")]))
        #expect(injected?.kind == .other)
    }

    /// The server reads the request on a kept connection and hangs up; on a new one it answers.
    @Test(arguments: [false, true])
    func whatMustBeSentOnceIsSentOnce(sendsOnce: Bool) async throws {
        _ = try await client.send(HTTPRequest("GET", server.base + "/raw"))
        let before = try #require(try await stats()["requests"]?.intValue)
        let request = HTTPRequest("POST", server.base + "/fresh", body: [1], sendsOnce: sendsOnce)
        if sendsOnce {
            let lost = await error(request)
            #expect(lost?.kind == .connectionLost(sent: true) && lost?.sent == true)
        } else {
            #expect(try await client.send(request).status == 200)
        }
        // This question is one of them.
        #expect(try await stats()["requests"]?.intValue == before + (sendsOnce ? 2 : 3))
        // On a new connection it is no different from others.
        #expect(try await HTTPClient().send(request).status == 200)
    }

    @Test func anAddressIsRefusedBeforeAnythingIsSent() async throws {
        let before = try await stats()["requests"]?.intValue
        let asked = Mutex<[String]>([])
        let url = server.base.replacingOccurrences(of: "127.0.0.1", with: "localhost") + "/echo"
        func request(_ answer: Bool) -> HTTPRequest {
            HTTPRequest(
                "POST", url, body: [1],
                mayReach: { address in
                    asked.withLock { $0.append(address) }
                    return answer
                })
        }
        let refused = await error(request(false))
        #expect(refused?.kind == .addressRefused && refused?.sent == false)
        #expect(try await client.send(request(true)).status == 201)
        // On the connection that is kept now, too.
        #expect(await error(request(false))?.kind == .addressRefused)
        #expect(asked.withLock { Set($0) } == ["127.0.0.1"])
        // The one that was allowed, and the second question.
        #expect(try await stats()["requests"]?.intValue == before.map { $0 + 2 })
    }

    @Test func aServerThatNeverAnswersTimesOut() async throws {
        // On a connection that is kept the request is on its way at once.
        _ = try await client.send(HTTPRequest("GET", server.base + "/raw"))
        let clock = ContinuousClock()
        let start = clock.now
        let late = await error(HTTPRequest("GET", server.base + "/never", timeout: .seconds(1)))
        #expect(late?.kind == .timedOut && late?.sent == true)
        // A second is not taken for a minute.
        #expect(clock.now - start < .seconds(60))
    }

    @Test func errorsHoldNoSecrets() async throws {
        let url = "http://ada:CANARY@127.0.0.1:1/path?token=CANARY#CANARY"
        let refused = await error(HTTPRequest("GET", url, headers: [HTTPHeader("Authorization", "CANARY")]))
        #expect(refused?.request == "GET http://127.0.0.1:1/path")
        #expect(!"\(String(reflecting: refused))".contains("CANARY"))
    }

    @Test func cancellingClosesTheTransfer() async throws {
        let (pieces, received) = AsyncStream.makeStream(of: Void.self)
        var request = HTTPRequest("GET", server.base + "/endless", timeout: .seconds(600))
        request.receive = { _ in received.yield() }
        let task = Task { [client, request] in
            defer { received.finish() }
            return try await client.send(request)
        }
        for await _ in pieces { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await eventually { try await stats()["closed"] == ["/endless"] })
    }

    @Test func cancellationMayComeAtAnyMoment() async throws {
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask { [client, base = server.base] in
                    let task = Task { try await client.send(HTTPRequest("POST", base + "/raw", body: [1])).status }
                    try? await Task.sleep(for: .microseconds(number * 20))
                    task.cancel()
                    let result = await task.result
                    if case .failure(let error) = result { #expect(error is CancellationError) }
                }
            }
        }
        #expect(try await client.send(HTTPRequest("GET", server.base + "/raw")).status == 200)
    }

    /// Without its end, a thread keeps what it runs for. Counting those of the process would count those of other tests.
    @Test func clientsEndTheirThreads() async throws {
        struct Running { weak var thread: TransferThread? }
        var all: [Running] = []
        for _ in 0..<50 {
            let client = HTTPClient()
            _ = try await client.send(HTTPRequest("GET", server.base + "/raw"))
            all.append(
                Running(thread: try #require(Mirror(reflecting: client).descendant("thread") as? TransferThread)))
        }
        #expect(try await eventually { all.allSatisfy { $0.thread == nil } })
        let kept = Running(thread: Mirror(reflecting: client).descendant("thread") as? TransferThread)
        #expect(kept.thread != nil)
    }
}
