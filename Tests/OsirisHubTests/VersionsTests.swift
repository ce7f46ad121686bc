import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct VersionsTests {
    private func function(_ result: Int, _ more: [String: Any] = [:]) -> TestFunction {
        .python("f", "import os\ndef handle():\n    return \(result)\n", more)
    }

    private func versions(_ client: Client, _ name: String = "f") async throws -> [VersionView] {
        let answer = try await client.send("GET", "/system/function/\(name)/versions?namespace=demo")
        return try JSONDecoder().decode([VersionView].self, from: answer.body)
    }

    private func rollBack(_ client: Client, to version: Int? = nil, _ headers: [String: String] = [:]) async throws
        -> Answer
    {
        try await client.send(
            "POST", "/system/rollback-function/f?namespace=demo", body: version.map { #"{"version":\#($0)}"# } ?? "{}",
            token: "deploy", headers: headers)
    }

    /// Numbers of the version folders and secret files on disk.
    private func stored(_ folder: String) -> (files: [Int], secrets: [Int]) {
        func names(_ path: String) -> [Int] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + path)) ?? []
            return names.compactMap { Int($0.replacingOccurrences(of: ".json", with: "")) }.sorted()
        }
        return (names("/functions/demo/f"), names("/secrets/demo/f"))
    }

    @Test func fiveProvenVersionsAreKeptAlsoOverARestart() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            for number in 1...8 {
                let secrets = ["KEY": ["value": "s\(number)", "digest": "hmac-sha256:\(number)"]]
                _ = try await hub.client.put(function(number, ["secrets": secrets]))
                try await hub.client.wait(for: "f", "\(number)") { $0.ready && $0.version == number }
            }
            let kept = try await versions(hub.client)
            #expect(kept.map(\.version) == [8, 7, 6, 5, 4, 3])
            #expect(kept.map(\.serving) == [true, false, false, false, false, false])
            #expect(kept.allSatisfy { $0.proven && $0.author == "admin" && $0.updated > 1_700_000_000 })
            #expect(Set(kept.map(\.digest)).count == 6)
            try await eventually("the others are gone") { stored(folder) == ([3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 7, 8]) }
        }
        try await TestHub.with(folder: folder) { hub in
            #expect(try await versions(hub.client).map(\.version) == [8, 7, 6, 5, 4, 3])
            #expect(stored(folder) == ([3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 7, 8]))
            try await hub.client.wait(for: "f")
            #expect(try await rollBack(hub.client, to: 3).status == 202)
            try await hub.client.wait(for: "f", "9") { $0.ready && $0.version == 9 }
            #expect(try await hub.client.call("f").text == "3")
            let deletion = #"{"functionName":"f","namespace":"demo"}"#
            #expect(try await hub.client.send("DELETE", "/system/functions", body: deletion).status == 202)
            try await eventually("all are gone") { stored(folder) == ([], []) }
            #expect(try await hub.client.send("GET", "/system/function/f/versions?namespace=demo").status == 404)
        }
    }

    @Test func aVersionThatNeverWorkedIsNotKept() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(function(1))
            try await hub.client.wait(for: "f")
            _ = try await hub.client.put(.python("f", "raise SystemExit(3)\n"))
            #expect(try await versions(hub.client).map(\.proven) == [false, true])
            _ = try await hub.client.put(function(3))
            try await hub.client.wait(for: "f", "3") { $0.ready && $0.version == 3 }
            #expect(try await versions(hub.client).map(\.version) == [3, 1])
            try await eventually("its files are gone") { stored(hub.folder).files == [1, 3] }
            let refused = try await rollBack(hub.client, to: 2)
            #expect(refused.status == 404 && refused.message.contains("Kept are 1."), "\(refused.text)")
        }
    }

    @Test func aRollbackTakesSpecFilesSecretsAndAnnotationsUnderANewNumber() async throws {
        try await TestHub.with { hub in
            let first = TestFunction.python(
                "f", "import os\ndef handle():\n    return [1, os.environ['KEY'], os.environ['E']]\n",
                [
                    "secrets": ["KEY": ["value": "old", "digest": "hmac-sha256:1"]], "env": ["E": "e1"],
                    "annotations": ["who": "first"], "scale": ["min": 2],
                ])
            _ = try await hub.client.put(first)
            try await hub.client.wait(for: "f")
            _ = try await hub.client.put(function(2, ["annotations": ["who": "second"]]))
            try await hub.client.wait(for: "f", "2") { $0.ready && $0.version == 2 }
            let answer = try await rollBack(hub.client)
            #expect(answer.status == 202 && answer.json["version"] as? Int == 3, "\(answer.text)")
            try await hub.client.wait(for: "f", "3") { $0.ready && $0.version == 3 }
            #expect(try await hub.client.call("f").text == #"[1,"old","e1"]"#)
            let status = try await hub.client.status("f")
            #expect(status.annotations == ["who": "first"] && status.scale.min == 2)
            #expect(status.secretDigests == ["KEY": "hmac-sha256:1"])
            let kept = try await versions(hub.client)
            #expect(kept.map(\.version) == [3, 2, 1] && kept.map(\.copyOf) == [1, nil, nil])
            #expect(kept[0].digest == kept[2].digest && kept[0].author == "deploy" && kept[2].author == "admin")
            // Deployed as it is: nothing to do, under any name.
            #expect(try await hub.client.put(first).status == 200)
            let again = try await rollBack(hub.client, to: 1)
            #expect(again.status == 200 && again.json["version"] as? Int == 3)
        }
    }

    @Test func annotationsChangeInAllVersionsAndNothingIsStarted() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(function(1, ["annotations": ["who": "first", "at": "a"]]))
            try await hub.client.wait(for: "f")
            _ = try await hub.client.put(function(2, ["annotations": ["who": "second", "at": "a"]]))
            try await hub.client.wait(for: "f", "2") { $0.ready && $0.version == 2 }
            let instances = try await hub.client.send("GET", "/system/instances", token: "read").text
            let path = "/system/annotate-function/f?namespace=demo"
            let body = #"{"annotations":{"at":"b"}}"#
            #expect(try await hub.client.send("POST", path, body: body, token: "read").status == 403)
            #expect(try await hub.client.send("POST", path, body: #"{"annotations":7}"#, token: "deploy").status == 400)
            let other = "/system/annotate-function/g?namespace=demo"
            #expect(try await hub.client.send("POST", other, body: body, token: "deploy").status == 404)
            for _ in 1...2 {
                #expect(try await hub.client.send("POST", path, body: body, token: "deploy").status == 200)
                let status = try await hub.client.status("f")
                #expect(status.annotations == ["who": "second", "at": "b"] && status.version == 2)
            }
            #expect(try await hub.client.send("GET", "/system/instances", token: "read").text == instances)
            #expect(try await rollBack(hub.client).status == 202)
            try await hub.client.wait(for: "f", "3") { $0.ready && $0.version == 3 }
            #expect(try await hub.client.status("f").annotations == ["who": "first", "at": "b"])
        }
    }

    @Test func equalFilesAreStoredOnce() async throws {
        try await TestHub.with { hub in
            func node(_ version: Int) throws -> UInt64 {
                let path = "\(hub.folder)/functions/demo/f/\(version)/code.py"
                return try #require(FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? UInt64)
            }
            for number in 1...2 {
                _ = try await hub.client.put(function(1, ["env": ["N": "\(number)"]]))
                try await hub.client.wait(for: "f", "\(number)") { $0.ready && $0.version == number }
            }
            _ = try await hub.client.put(function(2))
            try await hub.client.wait(for: "f", "3") { $0.ready && $0.version == 3 }
            _ = try await rollBack(hub.client, to: 1)
            try await hub.client.wait(for: "f", "4") { $0.ready && $0.version == 4 }
            let nodes = try (1...4).map(node)
            #expect(nodes[0] == nodes[1] && nodes[0] == nodes[3] && nodes[2] != nodes[0])
        }
    }

    /// The version that serves answers every call until the other one is ready.
    @Test func aRollbackLeavesNoGap() async throws {
        try await TestHub.with { hub in
            for number in 1...2 {
                let code = "import time\ntime.sleep(0.3)\ndef handle():\n    return \(number)\n"
                _ = try await hub.client.put(.python("f", code))
                try await hub.client.wait(for: "f", "\(number)") { $0.ready && $0.version == number }
            }
            let client = hub.client
            let calls = Task {
                var answers: [Answer] = []
                while answers.last?.text != "1" { answers.append(try await client.call("f")) }
                return answers
            }
            #expect(try await rollBack(client).status == 202)
            let answers = try await calls.value
            #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.map(\.text))")
            #expect(answers.contains { $0.text == "2" })
        }
    }

    @Test func filesThatWereChangedOnDiskAreNotDeployedAgain() async throws {
        try await TestHub.with { hub in
            for number in 1...2 {
                _ = try await hub.client.put(function(number))
                try await hub.client.wait(for: "f", "\(number)") { $0.ready && $0.version == number }
            }
            try Data("def handle(): return 9\n".utf8).write(
                to: URL(fileURLWithPath: hub.folder + "/functions/demo/f/1/code.py"))
            let answer = try await rollBack(hub.client)
            #expect(answer.status == 409 && answer.code == "version_damaged", "\(answer.text)")
            #expect(try await hub.client.call("f").text == "2")
        }
    }

    @Test func instancesAreShown() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(function(1, ["scale": ["min": 2]]))
            _ = try await hub.client.put(.python("g", "def handle():\n    return 1\n"))
            for name in ["f", "g"] { try await hub.client.wait(for: name) }
            func instances(_ query: String) async throws -> [InstanceView] {
                let answer = try await hub.client.send("GET", "/system/instances\(query)", token: "read")
                return try JSONDecoder().decode([InstanceView].self, from: answer.body)
            }
            let all = try await instances("")
            #expect(all.map(\.name) == ["f", "f", "g"])
            #expect(Set(all.compactMap(\.id)).count == 3 && all.allSatisfy { $0.id?.utf8.count == 8 })
            #expect(all.allSatisfy { $0.state == .free && $0.version == 1 && isRunning(Int($0.pid ?? 0)) })
            #expect(try await instances("?namespace=demo&name=g").map(\.name) == ["g"])
            #expect(try await instances("?namespace=other").isEmpty)
        }
    }
}
