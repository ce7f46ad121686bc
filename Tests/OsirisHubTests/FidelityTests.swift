import Foundation
import NIOHTTP1
import Testing

@testable import OsirisHub

/// What a caller sends is what a function gets, and the other way round.
@Suite(.serialized) struct FidelityTests {
    /// What a function said that it got.
    private struct Seen: Decodable {
        var method: String
        var target: String
        var headers: [[String]]
    }

    /// Headers that the hub adds, or that say how a body is framed.
    private static let added: Set<String> = [
        "host", "content-length", "x-call-id", "x-deadline", "x-start-time", "x-forwarded-for", "x-forwarded-host",
        "x-forwarded-proto", "traceparent",
    ]

    private static let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "PURGE",
    ]

    private static func word(_ letters: String, _ count: ClosedRange<Int>, _ random: inout SplitMix) -> String {
        let letters = Array(letters)
        return String(
            (0..<Int.random(in: count, using: &random)).map { _ in letters.randomElement(using: &random) ?? "x" })
    }

    private static func check(_ hub: TestHub, _ count: Int) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SplitMix(state: seed)
        try await Connection.with(hub) { connection in
            for number in 0..<count {
                try await one(&connection, "seed \(seed), request \(number)", &random)
            }
        }
    }

    private static func one(_ connection: inout Connection, _ place: String, _ random: inout SplitMix) async throws {
        let method = methods.randomElement(using: &random) ?? "GET"
        let legal = "abcXYZ019-._~!$&'()*+,;=:@"
        var path = ""
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            path += "/" + word(legal, 0...9, &random) + (Bool.random(using: &random) ? "%2F%c3%A4%00" : "")
        }
        if Bool.random(using: &random) { path += (path.isEmpty ? "/?" : "?") + word(legal + "/?%", 0...20, &random) }
        let wanted =
            Int.random(in: 0..<5, using: &random) == 0
            ? [204, 304].randomElement(using: &random) ?? 204 : Int.random(in: 200...599, using: &random)
        var headers: [(String, String)] = [("X-Want", "\(wanted)")]
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            let name = "X-" + word("abcDEF-", 1...6, &random) + "-q"
            let value = word("aZ09 !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~", 0...40, &random)
            headers.append((name, value.trimmingCharacters(in: .whitespaces)))
        }
        let sizes = [0...0, 1...100, 65_530...65_540, 1...300_000]
        let size = Int.random(in: sizes.randomElement(using: &random) ?? 0...0, using: &random)
        let start = UInt8.random(in: 0...255, using: &random)
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) &+ start }
        let chunked = Bool.random(using: &random)
        headers.append(("Content-Type", "application/x-any"))
        let answer = try await connection.call(
            method, "/function/demo/echo" + path, body, chunked: chunked, headers: headers)
        #expect(answer.status == wanted, "\(place)")
        let isBare = method == "HEAD" || wanted == 204 || wanted == 304
        #expect(answer.body == (isBare ? [] : body), "\(place): \(method) \(wanted) \(size) bytes")
        if method == "HEAD", wanted != 204, wanted != 304 {
            #expect(answer.head.headers.first(name: "Content-Length") == "\(size)", "\(place)")
        }
        #expect(answer.head.headers["X-Twice"] == ["1", "2 3"], "\(place)")
        let text = try #require(answer.head.headers.first(name: "X-Seen"), "\(place)")
        let seen = try JSONDecoder().decode(Seen.self, from: try #require(Data(base64Encoded: text)))
        #expect(seen.method == method, "\(place)")
        #expect(
            seen.target == (path.isEmpty || path.hasPrefix("/") ? "" : "/") + (path.isEmpty ? "/" : path), "\(place)")
        let got = seen.headers.filter { !added.contains($0[0].lowercased()) }
        #expect(got == headers.map { [$0.0, $0.1] }, "\(place)")
        let length = seen.headers.first { $0[0].lowercased() == "content-length" }?[1]
        #expect(length == (chunked ? nil : "\(size)"), "\(place): \(method)")
    }

    @Test func aThousandRandomRequestsThroughPython() async throws {
        try await TestHub.with { hub in
            let code = """
                import base64, json
                from osiris import Response
                def handle(request):
                    body = request.body.read()
                    seen = {"method": request.method, "target": request.target, "headers": request.headers.items()}
                    headers = {"X-Seen": base64.b64encode(json.dumps(seen).encode()).decode(), "X-Twice": ["1", "2 3"]}
                    return Response(body, int(request.headers["x-want"]), headers)
                """
            _ = try await hub.client.put(.python("echo", code))
            try await Self.check(hub, 1000)
            #expect(try await hub.client.status("echo").restarts == 0)
        }
    }

    @Test func twoHundredThroughNode() async throws {
        try await TestHub.with { hub in
            let code = """
                exports.handle = async (input, context) => {
                  const pieces = [];
                  for await (const piece of input) pieces.push(piece);
                  const headers = [];
                  for (let i = 0; i < context.rawHeaders.length; i += 2) headers.push(context.rawHeaders.slice(i, i + 2));
                  const seen = JSON.stringify({ method: context.method, target: context.target, headers });
                  return new context.Response(Buffer.concat(pieces), {
                    status: Number(context.headers["x-want"]),
                    headers: { "X-Seen": Buffer.from(seen).toString("base64"), "X-Twice": ["1", "2 3"] },
                  });
                };
                exports.handle.stream = true;
                """
            _ = try await hub.client.put(.node("echo", code))
            try await Self.check(hub, 200)
            #expect(try await hub.client.status("echo").restarts == 0)
        }
    }
}
