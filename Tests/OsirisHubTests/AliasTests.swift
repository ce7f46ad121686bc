import Foundation
import Testing

@testable import OsirisHub

/// The other paths do what the first ones do.
@Suite(.serialized) struct AliasTests {
    private static let code = "def handle(**fields):\n    return fields\n"

    @Test func aFunctionIsMadeShownChangedCalledAndRemovedByItsId() async throws {
        try await TestHub.with { hub in
            let function = TestFunction.python("echo", Self.code)
            let made = try await hub.client.send("POST", "/functions", body: function.body)
            #expect(made.status == 201, "\(made.text)")
            let twice = try await hub.client.send("POST", "/functions", body: function.body)
            #expect(twice.status == 409 && twice.code == "exists")
            let shown = try await hub.client.send("GET", "/functions/echo.demo")
            #expect(shown.status == 200 && shown.json["name"] as? String == "echo")
            #expect(
                Set(shown.json.keys)
                    == Set(try await hub.client.send("GET", "/system/function/echo?namespace=demo").json.keys))
            // The path says what it is about; the body need not.
            var unnamed = function
            unnamed.fields["name"] = nil
            unnamed.fields["namespace"] = nil
            let same = try await hub.client.send("PUT", "/functions/echo.demo", body: unnamed.body)
            #expect(same.status == 200 && same.json["result"] as? String == "unchanged", "\(same.text)")
            let other = try await hub.client.send("PUT", "/functions/else.demo", body: function.body)
            #expect(other.status == 400 && other.message.contains("echo.demo"))
            let called = try await hub.client.send("POST", "/execute/echo.demo", body: #"{"a":1}"#)
            #expect(called.status == 200 && called.text == #"{"a":1}"#)
            #expect(called.headers["x-function-version"] == "1" && called.headers["x-call-id"] != nil)
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                let run = try await hub.client.send(method, "/run/demo/echo", body: #"{"b":2}"#)
                #expect(run.status == 200 && run.text == #"{"b":2}"#, "\(method)")
            }
            let removed = try await hub.client.send("DELETE", "/functions/echo.demo")
            #expect(removed.status == 202)
            for (method, path) in [
                ("GET", "/functions/echo.demo"), ("DELETE", "/functions/echo.demo"), ("POST", "/execute/echo.demo"),
                ("POST", "/run/demo/echo"), ("GET", "/metrics/functions/echo.demo"),
            ] {
                let answer = try await hub.client.send(method, path)
                #expect(answer.status == 404 && answer.code == "not_found", "\(method) \(path)")
            }
        }
    }

    @Test func anIdWithoutANamespaceIsInDefault() async throws {
        try await TestHub.with { hub in
            let function = TestFunction.python("echo", Self.code, ["namespace": "default"])
            let put = try await hub.client.send("PUT", "/functions/echo", body: function.body)
            #expect(put.status == 201, "\(put.text)")
            #expect(try await hub.client.send("POST", "/execute/echo", body: "{}").text == "{}")
            #expect(try await hub.client.send("POST", "/execute/echo.default", body: "{}").text == "{}")
            for id in ["echo.default.x", "echo.", ".default", "Echo", "a_b"] {
                let answer = try await hub.client.send("GET", "/functions/\(id)")
                #expect(answer.status == 404 && answer.message.contains("NAME.NAMESPACE"), "\(id)")
            }
        }
    }

    @Test func aLateRunIsRefusedHereToo() async throws {
        try await TestHub.with { hub in
            let function = TestFunction.python("f", Self.code)
            func headers(_ number: Int) -> [String: String] { ["Osiris-Lineage": "l-1", "Osiris-Fence": "\(number)"] }
            let put = try await hub.client.send(
                "PUT", "/functions/f.demo", body: function.body, headers: headers(5))
            #expect(put.status == 201)
            for method in ["PUT", "DELETE"] {
                let late = try await hub.client.send(
                    method, "/functions/f.demo", body: function.body, headers: headers(4))
                #expect(late.status == 412 && late.code == "fenced")
            }
        }
    }

    @Test func metricsAreToldAsJSON() async throws {
        try await TestHub.with { hub in
            let code = "def handle(fail=False):\n    if fail: raise ValueError('no')\n    return 1\n"
            _ = try await hub.client.put(.python("f", code))
            let none = try await hub.client.send("GET", "/metrics/functions/f.demo").json
            #expect(none["calls"] as? Int == 0 && none["averageSeconds"] is NSNull && none["p99Seconds"] is NSNull)
            for _ in 0..<3 { _ = try await hub.client.call("f") }
            _ = try await hub.client.call("f", #"{"fail":true}"#)
            let some = try await hub.client.send("GET", "/metrics/functions/f.demo").json
            #expect(some["calls"] as? Int == 4 && some["errors"] as? Int == 1 && some["queue"] as? Int == 0)
            #expect(some["instances"] as? Int == 1)
            let (p50, p99) = (some["p50Seconds"] as? Double ?? -1, some["p99Seconds"] as? Double ?? -1)
            #expect(p50 > 0 && p50 <= p99)
            let system = try await hub.client.send("GET", "/metrics/system").json
            #expect(system["functions"] as? Int == 1 && system["calls"] as? Int == 4 && system["errors"] as? Int == 1)
            let process = try #require(system["process"] as? [String: Any])
            #expect(process["memoryBytes"] as? Int ?? 0 > 1_000_000 && process["cpuSeconds"] as? Double ?? 0 > 0)
        }
    }

    @Test func aQuantileIsReadBetweenTheBoundsOfItsBucket() {
        var summary = CallSummary(calls: 10, errors: 0, seconds: 1)
        #expect(CallSummary().quantile(0.5) == nil && CallSummary().averageSeconds == nil)
        // Two calls up to 10 ms, all ten up to 25 ms.
        summary.counts = [0, 2] + [Int](repeating: 10, count: Metrics.buckets.count - 2)
        #expect(abs((summary.quantile(0.5) ?? 0) - (0.01 + 0.015 * 3 / 8)) < 1e-9)
        #expect(summary.quantile(1) == 0.025)
        // One took longer than the last bound: no more is known of it.
        summary.counts = summary.counts.map { min($0, 9) }
        #expect(summary.quantile(0.99) == 10)
    }
}
