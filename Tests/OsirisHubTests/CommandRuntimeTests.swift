import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct CommandRuntimeTests {
    @Test func oneLineInOneLineOut() async throws {
        try await TestHub.with { hub in
            let script = """
                echo started >&2
                while read -r line; do printf '{"got":%s,"who":"%s.%s"}\\n' "$line" "$OSIRIS_FUNCTION" "$OSIRIS_NAMESPACE"; done
                """
            _ = try await hub.client.put(.command("echo", script))
            let answer = try await hub.client.call("echo", "{\n \"a\": 1 }")
            #expect(answer.status == 200)
            #expect(answer.text == #"{"got":{  "a": 1 },"who":"echo.demo"}"#)
            #expect(try await hub.client.call("echo").text.hasPrefix(#"{"got":{},"#))
            // It makes no marks: its lines come when they come.
            try await eventually("its line is in the log") {
                try await hub.client.send("GET", "/system/logs?name=echo&namespace=demo&tail=1").text == "started\n"
            }
        }
    }

    @Test func theEnvironmentIsOnlyWhatWasAsked() async throws {
        try await TestHub.with { hub in
            let script = """
                while read -r line; do printf '"%s"\\n' "$(env | cut -d= -f1 | sort | tr '\\n' ' ')"; done
                """
            _ = try await hub.client.put(.command("env", script, ["env": ["MINE": "1"]]))
            let names = try await hub.client.call("env").text.trimmingCharacters(in: ["\"", " "]).split(separator: " ")
            let own: Set<Substring> = ["HOME", "LANG", "MINE", "OSIRIS_FUNCTION", "OSIRIS_NAMESPACE", "PATH"]
            // PWD, OLDPWD and _ are the shell's own.
            let shell: Set<Substring> = ["PWD", "OLDPWD", "_", "SHLVL"]
            #expect(Set(names).subtracting(shell) == own)
            let here = Set(ProcessInfo.processInfo.environment.keys.map { $0[...] })
            #expect(!here.subtracting(own).subtracting(shell).isEmpty, "nothing could have leaked")
        }
    }

    @Test func aProcessHasThreeDescriptorsAndASessionOfItsOwn() async throws {
        try await TestHub.with { hub in
            // As a command, so the bootstrap's own descriptors do not count; 3 is the folder being listed.
            let script = "while read -r line; do python3 -c 'import code_; code_.main()' 2>/dev/null; done"
            let body = "import os, json\ndef main():\n    print(json.dumps(sorted(os.listdir('/proc/self/fd'))))\n"
            var function = TestFunction.command("fds", script)
            var files = function.fields["files"] as? [[String: Any]] ?? []
            files.append(["path": "code_.py", "base64": Data(body.utf8).base64EncodedString()])
            function.fields["files"] = files
            _ = try await hub.client.put(function)
            #expect(try await hub.client.call("fds").text == #"["0", "1", "2", "3"]"#)
            #expect(Members.haveSessions(hub.folder))
        }
    }

    @Test func anAnswerThatIsNotJSONEndsTheInstance() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.command("odd", "while read -r line; do echo oops; done"))
            let answer = try await hub.client.call("odd")
            #expect(answer.status == 502)
        }
    }

    @Test func aProgramThatIsNotThereIsNamed() async throws {
        try await TestHub.with { hub in
            let fields: [String: Any] = [
                "name": "none", "namespace": "demo", "runtime": "command", "command": ["no-such-program-here"],
            ]
            _ = try await hub.client.put(TestFunction(fields: fields))
            try await hub.client.wait(for: "none", "explained") { $0.lastError != nil }
            let reason = try await hub.client.status("none").lastError
            #expect(reason?.hasPrefix("exit code 127: ") == true, "\(reason ?? "")")
            #expect(reason?.contains("no-such-program-here") == true)
        }
    }

    @Test func callsWaitTheirTurnAndScaledToZeroStartsOnTheFirst() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(
                .command("zero", "while read -r line; do echo \"$line\"; done", ["scale": ["min": 0]]))
            #expect(try await hub.client.status("zero").state == .stopped)
            let client = hub.client
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let answer = try await client.call("zero", "[\(number)]")
                        #expect(answer.text == "[\(number)]")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await hub.client.status("zero").replicas == 1)
        }
    }
}
