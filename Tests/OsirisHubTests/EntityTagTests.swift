import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct EntityTagTests {
    private func function(_ result: Int) -> TestFunction { .python("f", "def handle():\n    return \(result)\n") }

    private func get(_ client: Client, _ headers: [String: String] = [:]) async throws -> Answer {
        try await client.send("GET", "/system/function/f?namespace=demo", headers: headers)
    }

    @Test func tagsNameWhatIsDeployedAndNotHowItIsDoing() async throws {
        try await TestHub.with { hub in
            let empty = try await hub.client.send("GET", "/system/functions").headers["etag"]
            let put = try await hub.client.put(function(1))
            let first = try #require(put.headers["etag"])
            #expect(first.hasPrefix("\"") && first.hasSuffix("\"") && first.count == 34)
            try await hub.client.wait(for: "f")
            #expect(try await get(hub.client).headers["etag"] == first)
            let list = try #require(try await hub.client.send("GET", "/system/functions").headers["etag"])
            #expect(list != empty)
            _ = try await hub.client.call("f")
            for fields in [first, "\"else\", \(first)", "W/\(first)", "*"] {
                let same = try await get(hub.client, ["If-None-Match": fields])
                #expect(same.status == 304 && same.body.isEmpty && same.headers["etag"] == first, "\(fields)")
            }
            let same = try await hub.client.send("GET", "/system/functions", headers: ["If-None-Match": list])
            #expect(same.status == 304)
            #expect(try await hub.client.put(function(1)).headers["etag"] == first)
            let second = try #require(try await hub.client.put(function(2)).headers["etag"])
            #expect(second != first)
            #expect(try await get(hub.client, ["If-None-Match": first]).status == 200)
            #expect(try await hub.client.send("GET", "/system/functions").headers["etag"] != list)
        }
    }

    @Test func aChangeWithAnOldTagIsRefused() async throws {
        try await TestHub.with { hub in
            let client = hub.client
            let old = try #require(try await client.put(function(1)).headers["etag"])
            try await client.wait(for: "f")
            let now = try #require(try await client.put(function(2)).headers["etag"])
            try await client.wait(for: "f", "2") { $0.ready && $0.version == 2 }
            let deletion = #"{"functionName":"f","namespace":"demo"}"#
            let requests = [
                ("PUT", "/system/functions", function(3).body), ("DELETE", "/system/functions", deletion),
                ("POST", "/system/rollback-function/f?namespace=demo", "{}"),
                ("POST", "/system/scale-function/f?namespace=demo", #"{"replicas":1}"#),
            ]
            for (method, path, body) in requests {
                for fields in [["If-Match": old], ["If-Match": "W/\(now)"], ["If-None-Match": "*"]] {
                    let answer = try await client.send(method, path, body: body, headers: fields)
                    #expect(answer.status == 412 && answer.code == "precondition_failed", "\(method) \(path) \(fields)")
                }
            }
            #expect(try await client.status("f").version == 2)
            // Of one that is not there, nothing matches.
            let absent = TestFunction.python("g", "def handle():\n    return 1\n")
            for fields in [["If-Match": "*"], ["If-Match": now]] {
                let answer = try await client.send("PUT", "/system/functions", body: absent.body, headers: fields)
                #expect(answer.status == 412, "\(fields)")
            }
            let created = try await client.send(
                "PUT", "/system/functions", body: absent.body, headers: ["If-None-Match": "*"])
            #expect(created.status == 201)
            let put = try await client.send(
                "PUT", "/system/functions", body: function(3).body, headers: ["If-Match": now])
            #expect(put.status == 202)
        }
    }

    /// Of many who read the same and then write, one writes.
    @Test func ofRacingChangesWithOneTagOneIsMade() async throws {
        try await TestHub.with { hub in
            let client = hub.client
            let tag = try #require(try await client.put(function(0)).headers["etag"])
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...12 {
                    let body = function(number).body
                    group.addTask {
                        try await client.send("PUT", "/system/functions", body: body, headers: ["If-Match": tag]).status
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.sorted() == [202] + Array(repeating: 412, count: 11))
        }
    }

    @Test func listsOfTagsAreRead() {
        #expect(Precondition.tags(nil) == [])
        #expect(Precondition.tags("*") == ["*"])
        #expect(Precondition.tags(#""a", W/"b,c" ,"d""#) == [#""a""#, #"W/"b,c""#, #""d""#])
        #expect(Precondition.tags(#"bare, "x"#) == ["bare", #""x"#])
    }
}
