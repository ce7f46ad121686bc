import OsirisModel
import Testing

@testable import OsirisPlanner

/// What is the same in other words is no change; what only looks alike is one.
@Suite struct SpellingTests {
    private static let schema = Schema([
        Field("timeout", .duration, doc: ""), Field("memory", .size, doc: ""), Field("port", .int(1...65535), doc: ""),
        Field("share", .number(0...1), doc: ""), Field("open", .bool, default: true, doc: ""),
        Field("from", .list(of: .string), unordered: true, doc: ""), Field("command", .list(of: .string), doc: ""),
        Field("label", .string, doc: ""),
        Field(
            "disk",
            .object(
                Schema([
                    Field("size", .size, doc: ""), Field("kind", .string, default: "ssd", doc: ""),
                    Field("key", .string, secret: true, doc: ""),
                ])), doc: ""),
        Field("waits", .map(of: .duration), doc: ""), Field("parts", .list(of: .size), unordered: true, doc: ""),
        Field("free", .any, doc: ""),
    ])

    private func paths(_ before: Attributes, _ after: Attributes) -> [String] {
        AttributeDiff(Self.schema).arguments(before: before, after: after).map(\.path)
    }

    @Test(
        arguments: [
            (["timeout": "10000ms"], ["timeout": "10s"]), (["timeout": 10000], ["timeout": "10s"]),
            (["timeout": .double(10000)], ["timeout": "10s"]), (["memory": "65536Ki"], ["memory": "64Mi"]),
            (["port": "8080"], ["port": 8080]), (["port": .double(8080)], ["port": 8080]),
            (["share": 1], ["share": .double(1)]), (["open": "false"], ["open": false]), ([:], ["open": true]),
            (["from": ["b", "a"]], ["from": ["a", "b"]]), (["parts": ["1Ki", 2048]], ["parts": ["2Ki", 1024]]),
            (["disk": ["size": 1024, "kind": "ssd", "etag": 7]], ["disk": ["size": "1Ki"]]),
            (["waits": ["a": "60s", "b": "1s"]], ["waits": ["a": "1m", "b": 1000]]), (["etag": 1], [:]),
        ] as [(Attributes, Attributes)])
    func theSame(_ before: Attributes, _ after: Attributes) {
        #expect(paths(before, after).isEmpty)
        #expect(AttributeDiff(Self.schema).drift(recorded: after, actual: before).isEmpty)
    }

    @Test(
        arguments: [
            (["timeout": "10001ms"], ["timeout": "10s"], ["timeout"]), (["port": "08080"], ["port": 8080], ["port"]),
            (["label": "10000ms"], ["label": "10s"], ["label"]), (["label": "8080"], ["label": 8080], ["label"]),
            (["command": ["b", "a"]], ["command": ["a", "b"]], ["command"]),
            (["open": "yes"], ["open": true], ["open"]),
            (["from": ["a", "a", "b"]], ["from": ["a", "b"]], ["from"]), (["port": .null], ["port": 8080], ["port"]),
            (["disk": ["size": "1Ki", "kind": "hdd"]], ["disk": ["size": "1Ki"]], ["disk.kind"]),
            (["waits": ["a": "61s", "b": "1s"]], ["waits": ["a": "1m", "b": 1000]], ["waits.a"]),
            (["free": ["a": 1]], ["free": ["a": "1"]], ["free.a"]), (["open": false], [:], ["open"]),
        ] as [(Attributes, Attributes, [String])])
    func onlyAlike(_ before: Attributes, _ after: Attributes, _ different: [String]) {
        #expect(paths(before, after) == different)
    }

    @Test func whatIsShownIsAsItWasWritten() {
        let change = AttributeDiff(Self.schema).arguments(before: ["timeout": "10000ms"], after: ["timeout": "20s"])
        #expect(change == [AttributeChange(path: "timeout", before: "10000ms", after: "20s")])
        let secret = { (digest: String) in Value.secret(Secret(digest: digest, plaintext: nil)) }
        #expect(paths(["disk": ["key": secret("a")]], ["disk": ["key": secret("a")]]).isEmpty)
        #expect(paths(["disk": ["key": secret("a")]], ["disk": ["key": secret("b")]]) == ["disk.key"])
        #expect(paths(["disk": ["size": .unknown]], ["disk": ["size": "1Ki"]]) == ["disk.size"])
    }
}
