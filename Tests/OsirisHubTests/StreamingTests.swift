import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import OsirisHub

/// Bodies that are on their way in either direction.
@Suite(.serialized) struct StreamingTests {
    /// Answers each piece of the request as it comes; nothing else makes the next item.
    private static let conversation = """
        import os
        def handle(request):
            yield {"pid": os.getpid()}
            while True:
                data = request.body.read1(100)
                if not data: break
                yield {"got": data.decode()}
        """

    private static let conversationInNode = """
        exports.handle = async function* (input) {
          yield { pid: process.pid };
          for await (const piece of input) yield { got: piece.toString() };
        };
        exports.handle.stream = true;
        """

    private static func converse(_ function: TestFunction) async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(function)
            try await Connection.with(hub) { connection in
                try await connection.begin("POST", "/function/demo/f", length: nil)
                // The answer begins before there is any of the request's body.
                let head = try await connection.head()
                #expect(head.status == .ok)
                #expect(head.headers["Content-Type"] == ["application/x-ndjson"])
                #expect(try await connection.piece()?.hasPrefix(#"{"pid":"#) == true)
                for piece in ["abc", "d", "efgh"] {
                    try await connection.send(piece)
                    #expect(try await connection.piece() == "{\"got\":\"\(piece)\"}\n")
                }
                try await connection.end()
                #expect(try await connection.piece() == nil)
            }
        }
    }

    @Test func itemsAndPiecesGoAtOnceInPython() async throws {
        try await Self.converse(.python("f", Self.conversation))
    }

    @Test func itemsAndPiecesGoAtOnceInNode() async throws {
        try await Self.converse(.node("f", Self.conversationInNode))
    }

    @Test func aSlowReaderHoldsTheFunctionBack() async throws {
        try await TestHub.with { hub in
            let code = """
                def handle(request):
                    for number in range(900):
                        print("item", number)
                        yield bytes(65536)
                """
            let limits = ["limits": ["outputBytes": 64 << 20, "timeoutMs": 3000]]
            _ = try await hub.client.put(.python("f", code, limits))
            try await hub.client.wait(for: "f")
            let client = hub.client
            try await Connection.with(hub) { connection in
                try await connection.begin("GET", "/function/demo/f", length: 0)
                try await connection.end()
                #expect(try await connection.head().status == .ok)
                // Nothing more is read: the call ends at its timeout, far from its end.
                try await client.wait(for: "f", "started again") { $0.restarts == 1 && $0.ready }
                let log = try await client.send("GET", "/system/logs?name=f&namespace=demo&tail=1").text
                let last = try #require(log.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) })
                // What the sockets between keep is less than half of it.
                #expect(last < 450)
                await #expect(throws: (any Error).self) { while try await connection.piece() != nil {} }
            }
        }
    }

    @Test(arguments: ["os._exit(9)", "raise ValueError('half way')"])
    func aBreakInMidStreamCutsTheConnection(_ way: String) async throws {
        try await TestHub.with { hub in
            let code = """
                import os, uuid
                own = uuid.uuid4().hex
                def handle(request):
                    yield own
                    if request.query_string: \(way)
                """
            _ = try await hub.client.put(.python("f", code))
            let own = try await hub.client.call("f").text
            await #expect(throws: (any Error).self) {
                try await Connection.with(hub) { connection in
                    try await connection.begin("GET", "/function/demo/f?break", length: 0)
                    try await connection.end()
                    #expect(try await connection.head().status == .ok)
                    #expect(try await connection.piece() == own)
                    while try await connection.piece() != nil {}
                }
            }
            let next = try await hub.client.call("f")
            #expect(next.status == 200)
            // An exception is no reason to start again.
            #expect((next.text == own) == way.hasPrefix("raise"))
        }
    }

    @Test func anAnswerBeforeTheWholeRequestLeavesNothingBehind() async throws {
        try await TestHub.with { hub in
            let code = """
                import uuid
                own = uuid.uuid4().hex
                def handle(request):
                    return [own, len(request.body.read(3))]
                """
            _ = try await hub.client.put(.python("f", code))
            let own = try await hub.client.call("f").text.dropFirst().prefix { $0 != "," }
            try await Connection.with(hub) { connection in
                try await connection.begin("POST", "/function/demo/f", length: 10 << 20)
                try await connection.send([UInt8](repeating: 1, count: 1 << 20))
                #expect(try await connection.head().status == .ok)
                #expect(try await connection.piece() == "[\(own),3]")
                // The rest has not come, and others are served meanwhile.
                for _ in 0..<3 { #expect(try await hub.client.call("f", "abc").text == "[\(own),3]") }
                for _ in 0..<9 { try await connection.send([UInt8](repeating: 1, count: 1 << 20)) }
                try await connection.end()
                #expect(try await connection.piece() == nil)
                // The same connection takes the next request.
                #expect(try await connection.call("POST", "/function/demo/f", [1, 2]).text == "[\(own),2]")
            }
        }
    }

    @Test func aCallerThatGoesAwayLeavesNothingBehind() async throws {
        try await TestHub.with { hub in
            let code = """
                import uuid
                own = uuid.uuid4().hex
                def handle(request):
                    if request.method == "GET":
                        yield own
                        return
                    yield "begun"
                    try:
                        request.body.read()
                    except ConnectionAbortedError as error:
                        print("noticed:", error)
                    while request.query_string: yield bytes(65536)
                    yield "rest"
                """
            _ = try await hub.client.put(.python("f", code, ["limits": ["outputBytes": 64 << 20]]))
            let client = hub.client
            let own = try await client.send("GET", "/function/demo/f").text
            for query in ["", "?endless"] {
                try await Connection.with(hub) { connection in
                    try await connection.begin("POST", "/function/demo/f\(query)", length: nil)
                    try await connection.send("some")
                    #expect(try await connection.head().status == .ok)
                    #expect(try await connection.piece() == "begun")
                }
                // Without an end it is ended; else it goes on as it was.
                let next = try await client.send("GET", "/function/demo/f")
                #expect(next.status == 200)
                #expect((next.text == own) == query.isEmpty)
            }
            let log = try await client.send("GET", "/system/logs?name=f&namespace=demo").text
            #expect(log.contains("noticed: The caller went away"))
        }
    }

    /// A client that waits for the hub's word before it sends its body gets it, and then its answer.
    @Test func whoExpectsToBeToldToGoOnIs() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.python("f", "def handle(event):\n    return event\n"))
            try await hub.client.wait(for: "f")
            // In bytes: NIO's own client swallows the word.
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: hub.client.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            try await channel.executeThenClose { inbound, outbound in
                var pieces = inbound.makeAsyncIterator()
                var seen = ""
                for word in ["\"one\"", "\"two\""] {
                    let head =
                        "POST /function/demo/f HTTP/1.1\r\nHost: hub.test\r\nAuthorization: Bearer invoke\r\n"
                        + "Expect: 100-continue\r\nContent-Length: \(word.count)\r\n\r\n"
                    try await outbound.write(ByteBuffer(string: head))
                    seen = ""
                    while !seen.hasSuffix("\r\n\r\n") { seen += try #require(try await pieces.next()).text }
                    #expect(seen == "HTTP/1.1 100 Continue\r\n\r\n")
                    try await outbound.write(ByteBuffer(string: word))
                    seen = ""
                    while !seen.hasSuffix(word) { seen += try #require(try await pieces.next()).text }
                    #expect(seen.hasPrefix("HTTP/1.1 200 OK\r\n"))
                }
            }
        }
    }

    @Test func probesMayAskWithHEAD() async throws {
        try await TestHub.with { hub in
            for path in ["/healthz", "/ready", "/ui"] {
                let whole = try await hub.client.send("GET", path, token: nil)
                let head = try await hub.client.send("HEAD", path, token: nil)
                #expect(head.status == whole.status && head.body.isEmpty)
                #expect(head.headers["content-length"] == String(whole.body.count), "\(path)")
            }
        }
    }

    @Test func aDeathBeforeASmallAnswerIsWholeIsToldCleanly() async throws {
        try await TestHub.with { hub in
            let code = """
                import os, osiris, sys
                def handle(request):
                    # Half of an answer, past the starter.
                    server = sys.modules["__main__"].answers
                    server.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhalf")
                    server.flush()
                    os._exit(3)
                """
            _ = try await hub.client.put(.python("f", code))
            let answer = try await hub.client.call("f")
            #expect(answer.status == 502)
            #expect(answer.code == "instance_died")
        }
    }
}

extension ByteBuffer {
    fileprivate var text: String { String(buffer: self) }
}
