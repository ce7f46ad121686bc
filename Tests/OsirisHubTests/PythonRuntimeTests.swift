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

    /// Whatever a caller or the function itself gets wrong, the instance goes on.
    @Test func oddRequestsAndOddErrorsLeaveTheInstanceAlive() async throws {
        try await TestHub.with { hub in
            let code = """
                import osiris
                class Odd(BaseException):
                    def __str__(self): raise ValueError("no")
                def handle(kind="id"):
                    if kind == "base": raise Odd()
                    if kind == "long": raise ValueError("x" * 5000000)
                    if kind == "surrogate": raise ValueError("a" + chr(0xD800) + "b")
                    if kind == "letters": return osiris.Response(1, headers={"X-A": chr(8364)})
                    if kind == "wide": return osiris.Response(1, headers={"X-A": "a" * 100000})
                    return 1
                """
            _ = try await hub.client.put(.python("odd", code))
            let first = try await hub.client.call("odd").headers["x-instance"]
            for kind in ["base", "long", "surrogate", "letters", "wide"] {
                let answer = try await hub.client.call("odd", #"{"kind":"\#(kind)"}"#)
                #expect(answer.status == 500 && answer.code == "function_error", "\(kind): \(answer.text.prefix(200))")
            }
            let many = Dictionary(uniqueKeysWithValues: (0..<300).map { ("X-Many-\($0)", "v") })
            #expect(try await hub.client.call("odd", headers: many).status == 200)
            #expect(
                try await hub.client.call("odd", headers: ["X-Long": String(repeating: "y", count: 70_000)]).status
                    == 200)
            let path = "/function/demo/odd?q=" + String(repeating: "z", count: 61_000)
            #expect(try await hub.client.send("GET", path).code == "uri_too_long")
            #expect(try await hub.client.call("odd").headers["x-instance"] == first)
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

    @Test func theBodysTypeDecidesWhatTheFunctionGets() async throws {
        try await TestHub.with { hub in
            let code =
                "def handle(event):\n    return [type(event).__name__, event if isinstance(event, str) else len(event)]\n"
            _ = try await hub.client.put(.python("f", code))
            for (type, text) in [
                ("text/plain; charset=utf-8", #"["str","[1, 2]"]"#), ("application/octet-stream", #"["bytes",6]"#),
                ("application/json", #"["list",2]"#), ("application/problem+json", #"["list",2]"#),
                ("application/x-www-form-urlencoded", #"["list",2]"#), ("", #"["list",2]"#),
            ] {
                try await Connection.with(hub) { connection in
                    let headers = type.isEmpty ? [] : [("Content-Type", type)]
                    let answer = try await connection.call(
                        "POST", "/function/demo/f", Array("[1, 2]".utf8), headers: headers)
                    #expect(answer.text == text, "\(type)")
                }
            }
        }
    }

    @Test func aQueryIsTheInputWhereThereIsNoBody() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.python("f", "def handle(**words):\n    return words\n"))
            let client = hub.client
            #expect(
                try await client.send("GET", "/function/demo/f?a=1&b=x%20y&b=&c").text
                    == #"{"a":"1","b":["x y",""],"c":""}"#)
            #expect(try await client.send("POST", "/function/demo/f?a=1", body: #"{"b":2}"#).text == #"{"b":2}"#)
            #expect(try await client.send("GET", "/function/f.demo/x?a=1").text == #"{"a":"1"}"#)
        }
    }

    @Test func theContextTellsAboutTheCall() async throws {
        try await TestHub.with { hub in
            let code = """
                def handle(event, context):
                    headers = context.headers
                    return [
                        event, context.call_id, context.method, context.path, context.query, context.function,
                        context.namespace, context.version, context.traceparent == headers["TRACEPARENT"],
                        0 < context.remaining() <= 5, headers.get("x-mine"), headers.get("authorization"),
                        headers.get("osiris-version"), headers["host"], headers["X-Forwarded-For"],
                        headers["X-Forwarded-Host"], headers["X-Forwarded-Proto"], int(headers["X-Start-Time"]) > 0,
                        abs(int(headers["X-Deadline"]) / 1000 - context.deadline) < 0.01,
                    ]
                """
            _ = try await hub.client.put(.python("f", code, ["limits": ["timeoutMs": 5000]]))
            try await Connection.with(hub) { connection in
                let answer = try await connection.call(
                    "PUT", "/function/demo/f/a%20b?x=1&x=2", Array("7".utf8),
                    headers: [
                        ("X-Call-Id", "me"), ("X-MINE", "1"), ("Osiris-Version", "99"), ("X-Forwarded-For", "10.0.0.1"),
                    ])
                let expected =
                    #"[7,"me","PUT","/a%20b",{"x":["1","2"]},"f","demo",1,true,true,"1",null,null,"hub.test","#
                    + #""10.0.0.1, 127.0.0.1","hub.test","http",true,true]"#
                #expect(answer.text == expected)
                #expect(answer.head.headers["X-Cold-Start"].count == 1)
                #expect(answer.head.headers["X-Instance"].first?.count == 8)
            }
        }
    }

    @Test func aResponseHasStatusHeadersAndAnyBody() async throws {
        try await TestHub.with { hub in
            let code = """
                from osiris import Response
                async def items():
                    for number in range(3): yield number
                def handle(kind):
                    if kind == "none": return Response(status=202)
                    if kind == "json": return Response({"a": 1}, 201, {"X-A": "b"})
                    if kind == "html": return Response("<p>", headers={"Content-Type": "text/html"})
                    if kind == "word": return Response("word")
                    if kind == "items": return Response(items(), 203)
                    if kind == "async": return items()
                    if kind == "bytes": return b"abc"
                    if kind == "text": return (text for text in ["a", "b"])
                    if kind == "nothing": return iter(())
                    if kind == "status": return Response("", 42)
                    return Response("", headers={kind: "a" if kind != "X-Break" else "a\\r\\nX-Evil: 1"})
                """
            _ = try await hub.client.put(.python("f", code))
            let client = hub.client
            func ask(_ kind: String) async throws -> (Int, String, String?, Answer) {
                let answer = try await client.call("f", "[\"\(kind)\"]")
                return (answer.status, answer.text, answer.headers["content-type"], answer)
            }
            for (kind, status, text, type) in [
                ("none", 202, "", nil), ("json", 201, #"{"a":1}"#, "application/json"),
                ("html", 200, "<p>", "text/html"),
                ("word", 200, #""word""#, "application/json"), ("items", 203, "0\n1\n2\n", "application/x-ndjson"),
                ("async", 200, "0\n1\n2\n", "application/x-ndjson"), ("bytes", 200, "abc", "application/octet-stream"),
                ("text", 200, "ab", "text/plain; charset=utf-8"), ("nothing", 200, "", "application/octet-stream"),
            ] as [(String, Int, String, String?)] {
                let answer = try await ask(kind)
                #expect(answer.0 == status && answer.1 == text && answer.2 == type, "\(kind): \(answer)")
            }
            #expect(try await ask("json").3.headers["x-a"] == "b")
            for kind in ["X-Break", "X Blank", "Osiris-Error", "osiris-x", "", "status"] {
                let answer = try await ask(kind).3
                #expect(answer.status == 500 && answer.code == "function_error", "\(kind): \(answer.text)")
                #expect(answer.headers["x-evil"] == nil)
            }
        }
    }

    @Test func callersMayAskForAnEarlierEnd() async throws {
        try await TestHub.with { hub in
            let code =
                "import time\ndef handle(context):\n    time.sleep(context.headers['x-sleep'] == '1' and 60)\n    return context.remaining() <= 60\n"
            _ = try await hub.client.put(.python("f", code, ["limits": ["timeoutMs": 600_000]]))
            func call(_ deadline: String, sleep: String = "0") async throws -> Answer {
                try await hub.client.call("f", headers: ["X-Deadline": deadline, "X-Sleep": sleep])
            }
            func time(_ offset: Double) -> String { String(Int((Date().timeIntervalSince1970 + offset) * 1000)) }
            #expect(try await call(time(60)).text == "true")
            #expect(try await call(time(6000)).text == "false")
            let late = try await call(time(1), sleep: "1")
            #expect(late.status == 504 && late.code == "timeout")
            #expect(try await call(time(-1)).code == "timeout")
            #expect(try await call("soon").status == 400)
        }
    }

    @Test func aBodyInChunksIsBoundedToo() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(
                .python("f", "import uuid\nown = uuid.uuid4().hex\ndef handle(event=0):\n    return own\n"))
            let own = try await hub.client.call("f").text
            try await Connection.with(hub) { connection in
                try await connection.begin("POST", "/function/demo/f", length: nil)
                for _ in 0..<9 { try await connection.send([UInt8](repeating: 0x31, count: 1 << 20)) }
                try await connection.end()
                let answer = try await connection.answer()
                #expect(answer.status == 413)
                #expect(answer.text.contains("request_too_large"))
            }
            #expect(try await hub.client.call("f").text == own)
        }
    }
}
