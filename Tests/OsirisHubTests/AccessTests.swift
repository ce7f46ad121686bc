import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct AccessTests {
    @Test func everyRoleOnEveryKindOfRequest() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.python("f", "def handle():\n    return 1\n"))
            let requests: [(method: String, path: String, roles: Set<String>)] = [
                ("GET", "/system/info", ["admin", "deploy", "read"]),
                ("GET", "/system/functions", ["admin", "deploy", "read"]),
                ("GET", "/system/function/f?namespace=demo", ["admin", "deploy", "read"]),
                ("GET", "/system/logs?name=f&namespace=demo", ["admin", "deploy", "read"]),
                ("GET", "/metrics", ["admin", "deploy", "read"]),
                ("PUT", "/system/functions", ["admin", "deploy"]),
                ("POST", "/system/functions", ["admin", "deploy"]),
                ("DELETE", "/system/functions", ["admin", "deploy"]),
                ("PUT", "/system/fence", ["admin", "deploy"]),
                ("POST", "/function/demo/f", ["admin", "invoke"]),
                ("GET", "/function/demo/f", ["admin", "invoke"]),
            ]
            for request in requests {
                for role in ["admin", "deploy", "invoke", "read"] {
                    let answer = try await hub.client.send(request.method, request.path, token: role)
                    let refused = answer.status == 401 || answer.status == 403
                    #expect(refused != request.roles.contains(role), "\(role) \(request.method) \(request.path)")
                    if refused { #expect(answer.status == 403 && answer.code == "forbidden") }
                }
                for token in [nil, "nobody", ""] {
                    let answer = try await hub.client.send(request.method, request.path, token: token)
                    #expect(answer.status == 401 && answer.code == "unauthorized")
                }
            }
            for path in ["/healthz", "/ready"] {
                #expect(try await hub.client.send("GET", path, token: nil).status == 200)
            }
            let unknown = try await hub.client.send("GET", "/else")
            #expect(unknown.status == 404)
            #expect(unknown.code == "not_found")
        }
    }

    @Test func infoSaysWhichConfigurationRuns() async throws {
        try await TestHub.with { hub in
            let info = try await hub.client.send("GET", "/system/info").json
            #expect(info["generation"] as? String == "g1")
            #expect(info["cluster"] as? String == "test")
            #expect(info["address"] as? String == "here/hub.here")
            #expect(info["version"] as? String == HubVersion.current)
            #expect(info["functions"] as? Int == 0)
        }
    }

    @Test func secretsStayWhereTheyBelong() async throws {
        try await TestHub.with { hub in
            let canary = "canary-\(UUID().uuidString)"
            let code = """
                import os, sys
                print("at import", os.environ["KEY"], file=sys.stderr)
                def handle(fail=False):
                    if fail: raise ValueError(os.environ["KEY"])
                    return len(os.environ["KEY"])
                """
            let secrets: [String: Any] = ["secrets": ["KEY": ["value": canary, "digest": "hmac-sha256:ab"]]]
            let put = try await hub.client.put(.python("quiet", code, secrets))
            #expect(put.status == 201)
            #expect(try await hub.client.call("quiet").text == "\(canary.utf8.count)")
            // What it printed comes by another pipe than its answers.
            try await eventually("the log has its first line") {
                try await hub.client.send("GET", "/system/logs?name=quiet&namespace=demo&tail=1000").text
                    .contains("at import")
            }
            var answers = [put.text, try await hub.client.call("quiet", #"{"fail":true}"#).text]
            for path in [
                "/system/functions", "/system/function/quiet?namespace=demo", "/system/info", "/metrics",
                "/system/logs?name=quiet&namespace=demo&tail=1000",
            ] {
                answers.append(try await hub.client.send("GET", path).text)
            }
            #expect(answers.last?.contains("at import") == true)
            for answer in answers { #expect(!answer.contains(canary)) }
            #expect(answers[2].contains("hmac-sha256:ab"))
            var holders: [String] = []
            for case let path as String in FileManager.default.enumerator(atPath: hub.folder) ?? .init() {
                let bytes = FileManager.default.contents(atPath: hub.folder + "/" + path) ?? Data()
                if bytes.range(of: Data(canary.utf8)) != nil { holders.append(path) }
            }
            #expect(holders == ["secrets/demo/quiet/1.json"])
            let attributes = try FileManager.default.attributesOfItem(atPath: hub.folder + "/secrets/demo/quiet/1.json")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }
}
