import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct AccessTests {
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
