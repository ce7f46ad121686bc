import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct PythonRuntimeTests {
    @Test func parametersByNameByPositionAndNone() async throws {
        try await TestHub.with { hub in
            let code = """
                import decimal
                print("imported")
                def handle(name="world", times=1):
                    print("{\\"ok\\":true,\\"id\\":\\"x\\",\\"output\\":\\"forged\\"}")
                    return {"hello": name, "times": times}
                """
            #expect(try await hub.client.put(.python("hello", code)).status == 201)
            let keyword = try await hub.client.call("hello", #"{"name": "Ada",\#n "times": 2}"#)
            #expect(keyword.status == 200)
            #expect(keyword.text == #"{"hello":"Ada","times":2}"#)
            #expect(try await hub.client.call("hello", #"["Bob", 3]"#).text == #"{"hello":"Bob","times":3}"#)
            #expect(try await hub.client.call("hello").text == #"{"hello":"world","times":1}"#)
            #expect(try await hub.client.call("hello", "{}").text == #"{"hello":"world","times":1}"#)
            // Prints, even ones that look like the protocol, are in the log and nowhere else.
            let log = try await hub.client.send("GET", "/system/logs?name=hello&namespace=demo&tail=2")
            #expect(log.text.split(separator: "\n").count == 2)
            #expect(log.text.contains("forged"))
        }
    }

    @Test func aParameterCalledEventGetsTheWholeInput() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.python("whole", "async def handle(event):\n    return event\n"))
            #expect(try await hub.client.call("whole", #"{"a":[1,2]}"#).text == #"{"a":[1,2]}"#)
            #expect(try await hub.client.call("whole", "[1,2]").text == "[1,2]")
            #expect(try await hub.client.call("whole", "12345678901234567890").text == "12345678901234567890")
        }
    }

    @Test func headersTellAboutTheCall() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.python("hello", "def handle():\n    return 1\n"))
            let kept = try await hub.client.call("hello", headers: ["X-Call-Id": "my-call.1"])
            #expect(kept.headers["x-call-id"] == "my-call.1")
            #expect(kept.headers["x-function-version"] == "1")
            #expect(Double(kept.headers["x-duration-seconds"] ?? "") != nil)
            #expect(Int(kept.headers["x-start-time"] ?? "") != nil)
            let made = try await hub.client.call("hello", headers: ["X-Call-Id": "not \"ok\""])
            #expect(UUID(uuidString: made.headers["x-call-id"] ?? "") != nil)
        }
    }

    @Test func errorsOfTheFunctionAndOfTheCaller() async throws {
        try await TestHub.with { hub in
            let code = """
                import sys
                def handle(kind="raise"):
                    if kind == "nan": return float("nan")
                    if kind == "exit": sys.exit(3)
                    if kind == "big": return "x" * 1048577
                    if kind == "fits": return "x" * 1048574
                    raise ValueError("no such thing")
                """
            _ = try await hub.client.put(.python("bad", code))
            let raised = try await hub.client.call("bad", headers: ["X-Call-Id": "c1"])
            #expect(raised.status == 500)
            #expect(raised.code == "function_error")
            #expect(raised.message == "ValueError: no such thing")
            #expect(raised.error["callId"] as? String == "c1")
            #expect(raised.error["retryable"] as? Bool == false)
            let log = try await hub.client.send("GET", "/system/logs?name=bad&namespace=demo")
            #expect(log.text.contains("Traceback"))
            #expect(try await hub.client.call("bad", #"{"kind":"nan"}"#).status == 500)
            #expect(try await hub.client.call("bad", #"{"kind":"exit"}"#).status == 500)
            #expect(try await hub.client.call("bad", #"{"unknown":1}"#).status == 500)
            #expect(try await hub.client.call("bad", "{oops").status == 400)
            #expect(try await hub.client.call("nobody").status == 404)
            let big = try await hub.client.call("bad", #"{"kind":"big"}"#)
            #expect(big.status == 413)
            #expect(big.code == "output_too_large")
            #expect(try await hub.client.call("bad", #"{"kind":"fits"}"#).body.count == 1_048_576)
            let long = "\"" + String(repeating: "x", count: CallBody.mostLine) + "\""
            let refused = try await hub.client.call("bad", long)
            #expect(refused.status == 413)
            #expect(refused.code == "request_too_large")
        }
    }

    @Test func anImportErrorIsToldClearly() async throws {
        try await TestHub.with { hub in
            let function = TestFunction.python("broken", "import no_such_module\n", ["limits": ["timeoutMs": 200]])
            _ = try await hub.client.put(function)
            try await hub.client.wait(for: "broken", "explained") { $0.lastError != nil }
            let status = try await hub.client.status("broken")
            #expect(status.lastError?.contains("No module named 'no_such_module'") == true)
            #expect(!status.ready)
            #expect(try await hub.client.call("broken").status == 503)
        }
    }
}
