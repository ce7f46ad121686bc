import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct NodeRuntimeTests {
    @Test func inputsAndWhatIsReturned() async throws {
        try await TestHub.with { hub in
            let code = """
                console.log("imported");
                async function* items() { for (const n of [1, 2, 3]) yield n; }
                exports.handle = async (...words) => {
                  const [input, context] = [words[0], words.at(-1)];
                  switch (input.kind ?? context.headers["x-kind"]) {
                    case "json": return { a: [1, null] };
                    case "nothing": return;
                    case "bytes": return Buffer.from("abc");
                    case "items": return items();
                    case "response": return new context.Response("<p>", { status: 201, headers: { "Content-Type": "text/html" } });
                    case "break": return new context.Response("", { headers: { "X-A": "a\\r\\nX-Evil: 1" } });
                    case "ours": return new context.Response("", { headers: { "Osiris-Error": "x" } });
                    case "raise": throw new RangeError("no such thing");
                    case "context": return [context.callId, context.method, context.path, context.query, context.function,
                      context.namespace, context.version, context.remaining() <= 10, context.headers["osiris-version"] ?? 0];
                    default: return words.slice(0, -1).map((w) => w instanceof Uint8Array ? "bytes " + w.length : w);
                  }
                };
                """
            _ = try await hub.client.put(.node("f", code))
            let client = hub.client
            for (body, status, text, type) in [
                (#"{"kind":"json"}"#, 200, #"{"a":[1,null]}"#, "application/json"),
                (#"{"kind":"nothing"}"#, 200, "null", "application/json"),
                (#"{"kind":"bytes"}"#, 200, "abc", "application/octet-stream"),
                (#"{"kind":"items"}"#, 200, "1\n2\n3\n", "application/x-ndjson"),
                (#"{"kind":"response"}"#, 201, "<p>", "text/html"),
                (#"{"a":1}"#, 200, #"[{"a":1}]"#, "application/json"), ("", 200, "[{}]", "application/json"),
                ("[1,2]", 200, "[1,2]", "application/json"),
            ] {
                let answer = try await client.call("f", body)
                #expect(answer.status == status && answer.text == text, "\(body): \(answer.text)")
                #expect(answer.headers["content-type"] == type, "\(body)")
            }
            let raised = try await client.call("f", #"{"kind":"raise"}"#)
            #expect(raised.status == 500 && raised.code == "function_error")
            #expect(raised.message == "RangeError: no such thing")
            for kind in ["break", "ours"] {
                let answer = try await client.call("f", #"{"kind":"\#(kind)"}"#)
                #expect(answer.status == 500 && answer.headers["x-evil"] == nil, "\(kind)")
            }
            #expect(try await client.call("f", "{oops").status == 400)
            #expect(try await client.send("GET", "/function/demo/f?a=1&a=2").text == #"[{"a":["1","2"]}]"#)
            let context = try await client.call("f", #"{"kind":"context"}"#, headers: ["X-Call-Id": "me"])
            #expect(context.text == #"["me","POST","/",{},"f","demo",1,true,0]"#)
            let bytes = try await client.send(
                "POST", "/function/demo/f", body: "abc", headers: ["Content-Type": "image/png"])
            #expect(bytes.text == #"["bytes 3"]"#)
            #expect(try await client.status("f").restarts == 0)
            let log = try await client.send("GET", "/system/logs?name=f&namespace=demo").text
            #expect(log.contains("imported") && log.contains("RangeError"))
        }
    }

    @Test(arguments: ["code.mjs", "code.js"]) func modulesAndVendoredPackages(_ file: String) async throws {
        try await TestHub.with { hub in
            let code = """
                import greeting from "greeter";
                import { readFileSync } from "node:fs";
                await Promise.resolve();
                export const handle = ({ name }) => greeting(name) + readFileSync("mark.txt", "utf8");
                """
            let files = [
                "package.json": #"{"type":"module"}"#, "mark.txt": "!",
                "node_modules/greeter/package.json": #"{"name":"greeter","main":"main.cjs"}"#,
                "node_modules/greeter/main.cjs": "module.exports = (name) => `hi ${name}`;",
            ]
            _ = try await hub.client.put(.node("f", code, file: file, files: files))
            #expect(try await hub.client.call("f", #"{"name":"Ada"}"#).text == #""hi Ada!""#)
        }
    }

    @Test(arguments: [
        ("throw new Error('bad day')", "bad day"), ("exports.other = 1", "code.handle is not a function"),
        ("require('no-such-package')", "no-such-package"),
    ])
    func whatCannotBeLoadedIsTold(_ code: String, _ reason: String) async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.node("broken", code))
            try await hub.client.wait(for: "broken", "explained") { $0.lastError?.contains(reason) == true }
        }
    }

    /// Node says its stack and its version after what matters.
    @Test func anErrorThatNobodyCaughtIsTold() async throws {
        try await TestHub.with { hub in
            let code = """
                exports.handle = () => {
                  setTimeout(() => { throw Object.assign(new Error("bad night"), { code: "E_NIGHT" }); }, 1);
                  return new Promise(() => {});
                };
                """
            _ = try await hub.client.put(.node("f", code))
            try await hub.client.wait(for: "f")
            let answer = try await hub.client.call("f")
            #expect(answer.status == 502 && !answer.message.contains("Node.js v"), "\(answer.text)")
            try await hub.client.wait(for: "f", "explained") { $0.lastError?.contains("E_NIGHT") == true }
        }
    }

    @Test func processesGoWithTheHub() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var members: [ProcessIdentity] = []
        try await TestHub.with(folder: folder) { hub in
            let code = "require('node:child_process').spawn('sleep', ['600']); exports.handle = () => 1;"
            _ = try await hub.client.put(.node("f", code))
            #expect(try await hub.client.call("f").text == "1")
            members = Members.of(folder)
            #expect(members.count >= 2)
        }
        try await eventually("they are gone") { !members.contains(where: \.isAlive) }
    }
}
