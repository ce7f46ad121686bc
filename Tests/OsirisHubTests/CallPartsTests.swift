import Foundation
import HTTPTypes
import NIOHTTP1
import OsirisModel
import Testing

@testable import OsirisHub

/// The plain parts of a call's way.
@Suite struct CallPartsTests {
    @Test(arguments: [
        ("/function/demo/f", "demo", "f", "/"), ("/function/demo/f/", "demo", "f", "/"),
        ("/function/demo/f?a=%20&b", "demo", "f", "/?a=%20&b"), ("/function/demo/f//a/%2F?", "demo", "f", "//a/%2F?"),
        ("/function/f.demo", "demo", "f", "/"), ("/function/f.demo/x/y.z?q=a/b", "demo", "f", "/x/y.z?q=a/b"),
    ])
    func aTargetKeepsItsPath(_ target: String, namespace: String, name: String, path: String) throws {
        let found = try #require(CallTarget(target))
        #expect(found.name == FunctionName(namespace: namespace, name: name))
        #expect(found.path == path)
    }

    @Test(arguments: [
        "", "/", "/function", "/function/", "/function/demo", "/function/demo/", "/function//f", "/x/y/z",
    ])
    func noTarget(_ target: String) { #expect(CallTarget(target) == nil) }

    @Test func callsGetUUIDsOfVersion4() throws {
        var random = SplitMix(state: 1)
        for _ in 0..<100 {
            let text = RandomID.uuid(using: &random)
            let uuid = try #require(UUID(uuidString: text))
            #expect(text == text.lowercased() && uuid.uuid.6 >> 4 == 4 && uuid.uuid.8 >> 6 == 0b10)
        }
        #expect(RandomID.hex(0xA, digits: 16) == "000000000000000a")
    }

    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    /// Sent, and the trace id and flags that are kept; nil where a new trace begins.
    private static let parents: [(sent: [String], kept: String?)] = [
        (["00-\(trace)-00f067aa0ba902b7-01"], "01"), (["00-\(trace)-00f067aa0ba902b7-00"], "00"),
        // Unknown bits are not passed on; a later version is read as far as this one goes.
        (["00-\(trace)-00f067aa0ba902b7-ff"], "01"), (["cc-\(trace)-00f067aa0ba902b7-01-more"], "01"),
        ([], nil), ([""], nil), (["00-\(trace)-00f067aa0ba902b7"], nil), (["ff-\(trace)-00f067aa0ba902b7-01"], nil),
        (["00-\(trace)-00f067aa0ba902b7-01-more"], nil), (["00-\(trace.uppercased())-00f067aa0ba902b7-01"], nil),
        (["00-00000000000000000000000000000000-00f067aa0ba902b7-01"], nil),
        (["00-\(trace)-0000000000000000-01"], nil), (["00-\(trace)-00f067aa0ba902b-01"], nil),
        (["00-\(trace)-00f067aa0ba902b7-1"], nil), (["00 \(trace)-00f067aa0ba902b7-01"], nil),
        (["00-\(trace)-00f067aa0ba902b7-01", "00-\(trace)-00f067aa0ba902b7-01"], nil),
    ]

    @Test(arguments: parents.indices) func traces(_ row: Int) throws {
        let (sent, kept) = Self.parents[row]
        var random = SystemRandomNumberGenerator()
        var headers: HTTPFields = [.traceState: "a=1"]
        headers[values: .traceParent] = sent
        TraceContext.apply(to: &headers, using: &random)
        let given = try #require(headers[.traceParent])
        let context = try #require(TraceContext(given))
        #expect((context.traceID == Self.trace) == (kept != nil))
        #expect(context.flags == kept ?? "00")
        #expect(!given.contains("00f067aa0ba902b7"))
        #expect(headers[.traceState] == (kept == nil ? nil : "a=1"))
    }

    @Test func hopsAndTokensStayBehind() {
        var sent: HTTPFields = [
            .authorization: "Bearer x", .connection: "close, X-Mine", .te: "trailers", .upgrade: "h2c",
            .transferEncoding: "chunked", .expect: "100-continue", .accept: "a",
        ]
        for (name, value) in [("X-Mine", "1"), ("Osiris-Version", "9"), ("X-Yours", "2"), ("x-yours", "3")] {
            sent.append(HTTPField(name: HTTPField.Name(name) ?? .age, value: value))
        }
        let kept = CallHeaders.fromCaller(sent).map { "\($0.name.rawName): \($0.value)" }
        #expect(kept == ["Accept: a", "X-Yours: 2", "x-yours: 3"])
        let answered: HTTPHeaders = [
            "Connection": "x-mine , keep-alive", "X-Mine": "1", "Keep-Alive": "5", "osiris-error": "1",
            "Set-Cookie": "a",
            "set-cookie": "b",
        ]
        let seen = CallHeaders.fromFunction(answered).map { "\($0.name.rawName): \($0.value)" }
        #expect(seen == ["Set-Cookie: a", "set-cookie: b"])
    }

    @Test func linesGoToTheCallThatWroteThem() {
        func line(_ text: String, _ call: String?) -> CallMarks.Line { .init(text: Array(text.utf8), call: call) }
        var marks = CallMarks()
        func read(_ text: String) -> CallMarks.Line? { marks.read(Array(text.utf8)) }
        #expect(read("import") == line("import", nil))
        marks.begin("a", marked: true)
        #expect(read("early") == line("early", nil))
        #expect(read("\u{1E}osiris call a") == nil)
        #expect(read("mine") == line("mine", "a"))
        // A function cannot give its lines to another call.
        #expect(read("\u{1E}osiris call b") == line("\u{1E}osiris call b", "a"))
        #expect(!marks.isOver)
        #expect(read("no line feed\u{1E}osiris end a") == line("no line feed", "a"))
        #expect(marks.isOver)
        #expect(read("late") == line("late", nil))
        marks.begin("c", marked: false)
        #expect(read("x") == line("x", "c"))
        marks.end()
        #expect(read("y") == line("y", nil))
        // The last mark of a call may come when the next one was sent.
        marks.begin("d", marked: true)
        #expect(read("\u{1E}osiris call d") == nil)
        marks.begin("e", marked: true)
        #expect(read("its last") == line("its last", "d"))
        #expect(read("\u{1E}osiris end d") == nil)
        #expect(!marks.isOver)
        #expect(read("between") == line("between", nil))
        #expect(read("\u{1E}osiris call e") == nil)
        #expect(read("\u{1E}osiris end d") == line("\u{1E}osiris end d", "e"))
        #expect(read("\u{1E}osiris end e") == nil)
        #expect(marks.isOver)
    }

    @Test func theHandshakeIsOneLine() {
        #expect(Handshake(Array(#"{"ready":true}"#.utf8)) == .ready)
        let failed = #"{"ready":false,"error":{"type":"E","message":"m","limit":null}}"#
        #expect(Handshake(Array(failed.utf8)) == .failed("E: m"))
        #expect(Handshake(Array("hello".utf8)) == .failed("The handshake is broken."))
    }
}
