import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

@Suite(.serialized) struct DeployTests {
    @Test func putIsIdempotentAndPostIsNot() async throws {
        try await TestHub.with { hub in
            let one = TestFunction.python("f", "def handle():\n    return 1\n", ["annotations": ["a": "b"]])
            let created = try await hub.client.put(one)
            #expect(created.status == 201)
            #expect(created.json["result"] as? String == "created")
            let again = try await hub.client.put(one)
            #expect(again.status == 200)
            #expect(again.json["result"] as? String == "unchanged")
            #expect(try await hub.client.send("POST", "/system/functions", body: one.body).status == 409)
            var changed = one
            changed.fields["annotations"] = ["a": "c"]
            let updated = try await hub.client.put(changed)
            #expect(updated.status == 202)
            #expect(updated.json["result"] as? String == "updated")
            let status = try await hub.client.status("f")
            #expect(status.version == 2)
            #expect(status.annotations == ["a": "c"])
            let file = SourceTree.File(
                path: "code.py", executable: false, bytes: Array("def handle():\n    return 1\n".utf8))
            #expect(status.sourceDigest == SourceTree(files: [file]).digest)
            #expect(try await hub.client.send("GET", "/system/function/none?namespace=demo").status == 404)
        }
    }

    @Test func anUpdateUnderLoadFailsNoCall() async throws {
        try await TestHub.with { hub in
            func version(_ number: Int) -> TestFunction {
                .python(
                    "live", "import time\ndef handle():\n    time.sleep(0.005)\n    return \(number)\n",
                    ["scale": ["min": 2]])
            }
            _ = try await hub.client.put(version(1))
            try await hub.client.wait(for: "live")
            let client = hub.client
            let failures = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        var failures: [String] = []
                        var seen = 0
                        // Each caller goes on until it has seen the last version.
                        while seen != 4 {
                            let answer = try await client.call("live")
                            let number = Int(answer.text) ?? -1
                            if answer.status != 200 { failures.append(answer.text) }
                            if number == 4 { seen = 4 }
                        }
                        return failures
                    }
                }
                for number in 2...4 {
                    _ = try await client.put(version(number))
                    try await client.wait(for: "live")
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(failures == [])
            // Versions that worked are kept to go back to.
            let folders = try FileManager.default.contentsOfDirectory(atPath: hub.folder + "/functions/demo/live")
            #expect(folders.sorted() == ["1", "2", "3", "4"])
        }
    }

    @Test func aBrokenUpdateLeavesTheOldVersionServing() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            _ = try await hub.client.put(.python("f", "def handle():\n    return 1\n", ["alwaysOn": true]))
            try await hub.client.wait(for: "f")
            #expect(
                try await hub.client.put(.python("f", "raise OSError('bad day')\n", ["alwaysOn": true])).status == 202)
            try await hub.client.wait(for: "f", "explained") { $0.lastError?.contains("bad day") == true }
            let status = try await hub.client.status("f")
            #expect(status.version == 2)
            #expect(status.servingVersion == 1)
            #expect(!status.ready)
            #expect(try await hub.client.call("f").text == "1")
            #expect(try await hub.client.send("GET", "/ready", token: nil).status == 200)
        }
        // The hub still knows the version that worked after a restart.
        try await TestHub.with(folder: folder) { hub in
            #expect(try await hub.client.call("f").text == "1")
            _ = try await hub.client.put(.python("f", "def handle():\n    return 3\n", ["alwaysOn": true]))
            try await hub.client.wait(for: "f")
            #expect(try await hub.client.call("f").text == "3")
        }
    }

    @Test func deleteStopsAndRemoves() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.python("f", "def handle():\n    return 1\n"))
            try await hub.client.wait(for: "f")
            let members = Members.of(hub.folder)
            #expect(!members.isEmpty)
            let body = #"{"functionName":"f","namespace":"demo"}"#
            #expect(try await hub.client.send("DELETE", "/system/functions", body: body).status == 202)
            #expect(try await hub.client.call("f").status == 404)
            #expect(try await hub.client.send("DELETE", "/system/functions", body: body).status == 404)
            try await eventually("the process is gone") { !members.contains(where: \.isAlive) }
            try await eventually("the files are gone") {
                !FileManager.default.fileExists(atPath: hub.folder + "/functions/demo/f")
            }
            _ = try await hub.client.put(.python("f", "def handle():\n    return 'back'\n"))
            #expect(try await hub.client.call("f").text == #""back""#)
        }
    }

    @Test func aBadRequestIsToldEveryFault() async throws {
        try await TestHub.with { hub in
            let bad: [String: Any] = [
                "name": "Bad_Name", "runtime": "python3", "handler": "nodot", "colour": "red", "alwaysOn": "yes",
                "scale": ["min": -1, "max": 65, "idleMs": 0], "limits": ["timeoutMs": 0], "env": ["1X": "v"],
                "secrets": ["KEY": ["value": "v"]],
                "files": [["path": "../up", "base64": ""], ["path": "ok", "base64": "***"]],
            ]
            let answer = try await hub.client.put(TestFunction(fields: bad))
            #expect(answer.status == 400)
            #expect(answer.code == "bad_request")
            let expected = [
                "colour", "name must", "namespace is missing", "handler must", "alwaysOn must", "scale.min",
                "scale.max", "scale.idleMs", "limits.timeoutMs", "env.1X", "secrets.KEY.digest", "files[0].path",
                "files[1].base64",
            ]
            for word in expected { #expect(answer.message.contains(word), "\(word) in: \(answer.message)") }
            #expect((answer.error["details"] as? [String])?.count == expected.count)
            #expect(try await hub.client.put(TestFunction(fields: [:])).status == 400)
            #expect(try await hub.client.send("PUT", "/system/functions", body: "[]").status == 400)
            #expect(try await hub.client.send("PUT", "/system/functions", body: "{").status == 400)
        }
    }
}
