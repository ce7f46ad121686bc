import Foundation
import Testing

@testable import OsirisHub

/// Asynchronous calls and records through a hub.
@Suite(.serialized) struct AsyncRoutesTests {
    private static let echo = "def handle(event):\n    return event\n"

    private func withHub(_ test: (TestHub) async throws -> Void) async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder, asyncOptions: AsyncRig.options, test)
    }

    @Test func aCallIsTakenMadeAndShown() async throws {
        try await withHub { hub in
            _ = try await hub.client.put(.python("echo", Self.echo))
            let taken = try await hub.client.send("POST", "/async-function/demo/echo", body: "[1]", token: "invoke")
            #expect(taken.status == 202)
            let id = try #require(taken.headers["x-call-id"])
            #expect(taken.json["callId"] as? String == id)
            #expect(taken.headers["location"] == "/v1/calls/\(id)")
            let record = try await hub.client.ended(id)
            #expect(record["state"] as? String == "succeeded")
            #expect(record["function"] as? String == "echo" && record["namespace"] as? String == "demo")
            #expect(record["version"] as? Int == 1 && record["status"] as? Int == 200)
            #expect(record["attempts"] as? Int == 1 && record["async"] as? Bool == true)
            #expect(record["durationMs"] is Int && record["error"] is NSNull && record["callback"] is NSNull)
            let result = try await hub.client.send("GET", "/v1/calls/\(id)/result", token: "invoke")
            #expect(result.status == 200 && result.text == "[1]")
            #expect(result.headers["x-function-status"] == "200" && result.headers["x-call-id"] == id)
            #expect(result.headers["content-type"] == "application/json")
            let again = try await hub.client.send("DELETE", "/v1/calls/\(id)")
            #expect(again.status == 409 && again.code == "ended")
            let metrics = try await hub.client.send("GET", "/metrics").text
            // The attempt is a call of the function like any other.
            #expect(metrics.contains(#"gateway_function_invocation_total{function_name="echo.demo",code="200"} 1"#))
            #expect(metrics.contains(#"osiris_async_calls_total{function_name="echo.demo",state="succeeded"} 1"#))
        }
    }

    @Test func theSameIdIsOneCall() async throws {
        try await withHub { hub in
            _ = try await hub.client.put(.python("echo", Self.echo))
            func submit(_ body: String) async throws -> Answer {
                try await hub.client.send(
                    "POST", "/async-function/echo.demo", body: body, headers: ["X-Call-Id": "x-1"])
            }
            #expect(try await submit("[1]").status == 202)
            let same = try await submit("[1]")
            #expect(same.status == 200 && same.json["callId"] as? String == "x-1")
            let other = try await submit("[2]")
            #expect(other.status == 409 && other.code == "exists")
            _ = try await hub.client.ended("x-1")
            #expect(try await submit("[1]").json["state"] as? String == "succeeded")
            let bad = try await hub.client.send(
                "POST", "/async-function/demo/echo", body: "1", headers: ["X-Call-Id": "a b"])
            #expect(bad.status == 400)
        }
    }

    @Test func whatCannotBeTakenIsRefused() async throws {
        try await withHub { hub in
            _ = try await hub.client.put(.python("echo", Self.echo))
            func submit(_ path: String, _ body: String, _ headers: [String: String] = [:]) async throws -> Answer {
                try await hub.client.send("POST", "/async-function/" + path, body: body, headers: headers)
            }
            #expect(try await submit("demo/none", "1").status == 404)
            #expect(try await submit("echo", "1").status == 404)
            #expect(try await submit("demo/echo", String(repeating: "1", count: 1_048_577)).status == 413)
            for (name, value) in [
                ("X-Callback-Url", "ftp://a/"), ("X-Callback-Url", "http://169.254.169.254/"), ("X-Retry-Max", "21"),
                ("X-Retry-Max", "many"),
            ] {
                let answer = try await submit("demo/echo", "1", [name: value])
                #expect(answer.status == 400 && answer.message.contains(name), "\(value)")
            }
            #expect(try await hub.client.send("GET", "/v1/calls/none").status == 404)
            #expect(try await hub.client.send("DELETE", "/async-function/none").status == 404)
            #expect(try await hub.client.send("GET", "/v1/calls?state=lost").status == 400)
            #expect(try await hub.client.send("GET", "/v1/calls?limit=0").status == 400)
            let list = try await hub.client.send("GET", "/v1/calls")
            #expect(list.status == 200 && list.text == "[]")
        }
    }

    @Test func rolesSeeWhatTheyMay() async throws {
        try await withHub { hub in
            _ = try await hub.client.put(.python("echo", Self.echo))
            let sent = try await hub.client.send("POST", "/async-function/demo/echo", body: "1", token: "invoke")
            let id = try #require(sent.headers["x-call-id"])
            _ = try await hub.client.ended(id)
            let requests: [(method: String, path: String, roles: Set<String>)] = [
                ("POST", "/async-function/demo/echo", ["admin", "invoke"]),
                ("DELETE", "/async-function/\(id)", ["admin", "invoke"]),
                ("DELETE", "/v1/calls/\(id)", ["admin", "invoke"]),
                ("POST", "/v1/calls/\(id)/retry", ["admin", "invoke"]),
                ("GET", "/v1/calls/\(id)/result", ["admin", "invoke"]),
                ("GET", "/v1/calls/\(id)", ["admin", "deploy", "invoke", "read"]),
                ("GET", "/v1/calls", ["admin", "deploy", "invoke", "read"]),
                ("GET", "/v1/calls?namespace=demo", ["admin", "deploy", "invoke", "read"]),
                ("GET", "/system/dead-letters", ["admin", "deploy", "invoke", "read"]),
            ]
            for request in requests {
                for role in ["admin", "deploy", "invoke", "read"] {
                    let answer = try await hub.client.send(request.method, request.path, token: role)
                    #expect((answer.status == 403) != request.roles.contains(role), "\(role) \(request)")
                }
                let nobody = try await hub.client.send(request.method, request.path, token: nil)
                #expect(nobody.status == 401, "\(request)")
            }
        }
    }

    @Test func aDeadCallIsFoundAndPutBack() async throws {
        try await withHub { hub in
            let code = "import os\ndef handle(event):\n    os._exit(3)\n"
            _ = try await hub.client.put(.python("dies", code))
            let sent = try await hub.client.send(
                "POST", "/async-function/demo/dies", body: "1", headers: ["X-Retry-Max": "1"])
            let id = try #require(sent.headers["x-call-id"])
            let record = try await hub.client.ended(id)
            #expect(record["state"] as? String == "dead" && record["attempts"] as? Int == 2)
            #expect(record["status"] as? Int == 502)
            let result = try await hub.client.send("GET", "/v1/calls/\(id)/result")
            #expect(result.code == "instance_died" && result.headers["x-function-status"] == "502")
            let letters = try await hub.client.send("GET", "/system/dead-letters?namespace=demo&name=dies")
            #expect(letters.text.contains(id))
            #expect(try await hub.client.send("GET", "/system/dead-letters?name=other").text == "[]")
            _ = try await hub.client.put(.python("dies", Self.echo))
            try await hub.client.wait(for: "dies")
            #expect(try await hub.client.send("POST", "/v1/calls/\(id)/retry").status == 202)
            #expect(try await hub.client.ended(id)["state"] as? String == "succeeded")
            #expect(try await hub.client.send("POST", "/v1/calls/\(id)/retry").status == 409)
        }
    }

    @Test func deletingAFunctionGivesItsCallsUp() async throws {
        try await withHub { hub in
            let code = "import time\ndef handle(event):\n    time.sleep(event)\n"
            _ = try await hub.client.put(.python("slow", code))
            try await hub.client.wait(for: "slow")
            for id in ["first", "second"] {
                _ = try await hub.client.send(
                    "POST", "/async-function/demo/slow", body: "5", headers: ["X-Call-Id": id])
            }
            try await hub.client.wait(for: "slow", "busy") { $0.runningCalls == 1 }
            let gone = #"{"functionName":"slow","namespace":"demo"}"#
            #expect(try await hub.client.send("DELETE", "/system/functions", body: gone).status == 202)
            let record = try await hub.client.ended("second")
            #expect(record["state"] as? String == "dead")
            #expect(record["error"] as? String == "The function slow.demo was deleted.")
        }
    }

    @Test func synchronousCallsHaveRecords() async throws {
        try await withHub { hub in
            let code = "def handle(event):\n    return 1 // event\n"
            _ = try await hub.client.put(.python("divide", code))
            #expect(try await hub.client.call("divide", "1", headers: ["X-Call-Id": "good"]).status == 200)
            #expect(try await hub.client.call("divide", "0", headers: ["X-Call-Id": "bad"]).status == 500)
            #expect(try await hub.client.call("none", "0").status == 404)
            let good = try await hub.client.send("GET", "/v1/calls/good", token: "read").json
            #expect(good["async"] as? Bool == false && good["status"] as? Int == 200 && good["version"] as? Int == 1)
            let list = try await hub.client.send("GET", "/v1/calls?namespace=demo&name=divide", token: "read")
            let records = try JSONSerialization.jsonObject(with: list.body) as? [[String: Any]] ?? []
            #expect(records.map { $0["callId"] as? String } == ["bad", "good"])
            #expect(records.map { $0["state"] as? String } == ["failed", "succeeded"])
            #expect(try await hub.client.send("GET", "/v1/calls/good/result").code == "no_result")
        }
    }

    @Test func anOrderlyEndLetsRunningCallsFinishAndKeepsTheRest() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let code = "import time\ndef handle(event):\n    time.sleep(1)\n    return event\n"
        try await TestHub.with(folder: folder) { hub in
            _ = try await hub.client.put(.python("slow", code))
            try await hub.client.wait(for: "slow")
            for number in 0..<5 {
                _ = try await hub.client.send(
                    "POST", "/async-function/demo/slow", body: "\(number)", headers: ["X-Call-Id": "c\(number)"])
            }
            try await hub.client.wait(for: "slow", "busy") { $0.runningCalls == 1 }
        }
        try await TestHub.with(folder: folder) { hub in
            for number in 0..<5 {
                let record = try await hub.client.ended("c\(number)")
                #expect(record["state"] as? String == "succeeded" && record["attempts"] as? Int == 1)
            }
        }
    }
}

extension Client {
    /// The record of a call that has ended; waits for it.
    func ended(_ id: String) async throws -> [String: Any] {
        try await eventually("\(id) has ended") {
            let answer = try await send("GET", "/v1/calls/\(id)")
            return answer.json["ended"] is Double
        }
        return try await send("GET", "/v1/calls/\(id)").json
    }
}
