import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

/// Tokens that people make: what they are good for, and when no more.
@Suite(.serialized) struct TokenTests {
    private func list(_ hub: TestHub) async throws -> [[String: Any]] {
        let body = try await hub.client.send("GET", "/system/tokens").body
        return try #require(try JSONSerialization.jsonObject(with: body) as? [[String: Any]])
    }

    @Test func aTokenIsShownOnceAndKeptAsADigest() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var clear = ""
        try await TestHub.with(folder: folder) { hub in
            let body =
                #"{"name":"ci","role":"read","namespaces":["b","a"],"expiresInSeconds":3600,"rate":{"perSecond":5}}"#
            let made = try await hub.client.send("POST", "/system/tokens", body: body)
            #expect(made.status == 201 && made.headers["cache-control"] == "no-store")
            clear = try #require(made.json["token"] as? String)
            let id = try #require(TokenText(clear)?.id)
            let shown = try #require(try await list(hub).first)
            #expect(
                Set(shown.keys) == [
                    "id", "name", "role", "namespaces", "created", "createdBy", "expires", "lastUsed", "rate",
                ])
            #expect(shown["id"] as? String == id && shown["name"] as? String == "ci")
            #expect(shown["namespaces"] as? [String] == ["a", "b"] && shown["createdBy"] as? String == "admin")
            #expect(shown["lastUsed"] is NSNull)
            #expect((shown["rate"] as? [String: Any])?["burst"] as? Int == 5)
            let (created, expires) = (shown["created"] as? Double ?? 0, shown["expires"] as? Double ?? 0)
            #expect(abs(expires - created - 3600) < 0.001)
            #expect(try await hub.client.send("GET", "/system/info", token: clear).status == 200)
        }
        // It is as good after a restart, and its use was kept at the end.
        try await TestHub.with(folder: folder) { hub in
            let shown = try await list(hub).first
            #expect(shown?["lastUsed"] is Double)
            let good = try await hub.client.send("GET", "/system/info", token: clear)
            #expect(good.status == 200)
        }
        for case let path as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
            let bytes = FileManager.default.contents(atPath: folder + "/" + path) ?? Data()
            #expect(bytes.range(of: Data(clear.suffix(43).utf8)) == nil, "\(path) has the clear token")
        }
    }

    @Test func whoSendsADigestTellsTheHubNoToken() async throws {
        try await TestHub.with { hub in
            let token = TokenText()
            func order(_ name: String, _ token: TokenText, role: String = "invoke") -> String {
                #"{"name":"\#(name)","role":"\#(role)","id":"\#(token.id)","sha256":"\#(token.sha256)"}"#
            }
            let made = try await hub.client.send("POST", "/system/tokens", body: order("a", token))
            #expect(made.status == 201 && made.json["token"] == nil)
            #expect(try await hub.client.send("POST", "/function/demo/none", token: token.clear).status == 404)
            // The same again changes nothing; another one under its id or its name is refused.
            let again = try await hub.client.send("POST", "/system/tokens", body: order("a", token))
            #expect(again.status == 200, "\(again.text)")
            for other in [order("a", TokenText()), order("b", token), order("a", token, role: "admin")] {
                let refused = try await hub.client.send("POST", "/system/tokens", body: other)
                #expect(refused.status == 409 && refused.code == "exists", "\(refused.text)")
            }
            #expect(try await list(hub).count == 1)
            // Its id with another secret is nobody's token.
            let forged = "osr_\(token.id)_" + TokenText().clear.suffix(43)
            #expect(try await hub.client.send("POST", "/function/demo/none", token: forged).status == 401)
        }
    }

    @Test func faultyOrdersAreRefusedWithEveryFault() async throws {
        try await TestHub.with { hub in
            let faulty: [(body: String, faults: Int)] = [
                ("", 0), ("[]", 3), ("{}", 2), (#"{"name":"a","role":"root"}"#, 1),
                (#"{"name":" a","role":"read","namespaces":[]}"#, 2),
                (#"{"name":"a\nb","role":"read","namespaces":["A"],"x":1}"#, 3),
                (#"{"name":"a","role":"read","expiresInSeconds":0,"rate":{"perSecond":0}}"#, 2),
                (#"{"name":"a","role":"read","rate":{"perSecond":1,"burst":0}}"#, 1),
                (#"{"name":"a","role":"read","id":"abcdefgh"}"#, 1),
                (#"{"name":"a","role":"read","sha256":"sha256:ab","id":"../../.."}"#, 2),
            ]
            for (body, faults) in faulty {
                let answer = try await hub.client.send("POST", "/system/tokens", body: body)
                #expect(answer.status == 400 && answer.code == "bad_request", "\(body)")
                #expect((answer.error["details"] as? [String] ?? []).count == faults, "\(body): \(answer.text)")
            }
            #expect(try await list(hub).isEmpty)
        }
    }

    @Test func aRevokedTokenIsUnknownAtOnce() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var clear = ""
        try await TestHub.with(folder: folder) { hub in
            clear = try await hub.client.makeToken("gone", role: .read)
            let id = try #require(TokenText(clear)?.id)
            // The client keeps its connection open: the same one is asked before and after.
            #expect(try await hub.client.send("GET", "/system/info", token: clear).status == 200)
            #expect(try await hub.client.send("DELETE", "/system/tokens/\(id)").status == 200)
            #expect(try await hub.client.send("GET", "/system/info", token: clear).status == 401)
            let again = try await hub.client.send("DELETE", "/system/tokens/\(id)")
            #expect(again.status == 404 && again.code == "not_found")
            // Its name is free again.
            _ = try await hub.client.makeToken("gone", role: .read)
        }
        try await TestHub.with(folder: folder) { hub in
            let refused = try await hub.client.send("GET", "/system/info", token: clear)
            #expect(refused.status == 401)
        }
    }

    @Test func aTokenOfOneNamespaceSeesNoOther() async throws {
        try await TestHub.with { hub in
            for namespace in ["demo", "other"] {
                var function = TestFunction.python("f", "def handle():\n    return 1\n")
                function.fields["namespace"] = namespace
                _ = try await hub.client.put(function)
                let called = try await hub.client.send(
                    "POST", "/function/\(namespace)/f", headers: ["X-Call-Id": "c-\(namespace)"])
                #expect(called.text == "1")
            }
            let token = try await hub.client.makeToken("demo", role: .read, namespaces: ["demo"])
            func read(_ path: String) async throws -> Answer { try await hub.client.send("GET", path, token: token) }
            #expect(try await read("/system/functions").text.contains(#""namespace":"demo""#))
            #expect(try await !read("/system/functions").text.contains("other"))
            #expect(try await read("/system/namespaces").text == #"["demo"]"#)
            #expect(try await hub.client.send("GET", "/system/namespaces").text == #"["demo","other"]"#)
            #expect(try await read("/system/info").json["functions"] as? Int == 1)
            #expect(try await read("/metrics/system").json["calls"] as? Int == 1)
            // Records and events of others are not told either, nor what is of the hub.
            try await eventually("both calls are recorded") {
                let calls = try await hub.client.send("GET", "/v1/calls").text
                return calls.contains("c-demo") && calls.contains("c-other")
            }
            let calls = try await read("/v1/calls").text
            #expect(calls.contains("c-demo") && !calls.contains("other"))
            #expect(try await read("/v1/calls/c-demo").status == 200)
            #expect(try await read("/v1/calls/c-other").status == 403)
            let events = try await read("/system/events").text
            #expect(events.contains("demo") && !events.contains("other"))
            for path in ["/system/usage", "/system/series"] {
                #expect(try await !read(path).text.contains("other"), "\(path)")
            }
            let metrics = try await read("/metrics").text
            #expect(metrics.contains(#"gateway_function_invocation_total{function_name="f.demo",code="200"} 1"#))
            #expect(!metrics.contains("f.other") && !metrics.contains("osiris_unauthorized_total 0"))
            let all = try await hub.client.send("GET", "/metrics", token: "read").text
            #expect(all.contains("f.demo") && all.contains("f.other") && all.contains("osiris_unauthorized_total 0"))
        }
    }

    @Test func aTokenOfOneNamespaceHoldsNoFence() async throws {
        try await TestHub.with { hub in
            let token = try await hub.client.makeToken("ci", role: .deploy, namespaces: ["demo"])
            let function = TestFunction.python("f", "def handle():\n    return 1\n")
            // Such a number would shut out every run of osiris.
            let headers = ["Osiris-Lineage": "l-1", "Osiris-Fence": "9000000000000000000"]
            let refused = try await hub.client.send(
                "PUT", "/system/functions", body: function.body, token: token, headers: headers)
            #expect(refused.status == 403)
            let put = try await hub.client.send(
                "PUT", "/system/functions", body: function.body,
                headers: ["Osiris-Lineage": "l-1", "Osiris-Fence": "1"])
            #expect(put.status == 201)
            let own = try await hub.client.send("PUT", "/system/functions", body: function.body, token: token)
            #expect(own.status == 200)
        }
    }
}
