import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

/// What functions need besides their source, without any network.
@Suite struct DependencyTests {
    /// A wheel of a package `osiris_demo` whose `NAME` is the version (PEP 427).
    private static func wheel(_ version: String) async throws -> (name: String, base64: String) {
        let script = """
            import base64, io, sys, zipfile
            data, info = io.BytesIO(), "osiris_demo-%s.dist-info/" % sys.argv[1]
            with zipfile.ZipFile(data, "w") as wheel:
                # Without a time the same wheel is always made of the same bytes.
                def put(name, text):
                    wheel.writestr(zipfile.ZipInfo(name), text)
                put("osiris_demo.py", "NAME = 'demo %s'\\n" % sys.argv[1])
                put(info + "METADATA", "Metadata-Version: 2.1\\nName: osiris-demo\\nVersion: %s\\n" % sys.argv[1])
                put(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
                put(info + "RECORD", "")
            print(base64.b64encode(data.getvalue()).decode())
            """
        let (end, output, errors) = try await run("python3", ["-c", script, version])
        try #require(end == .code(0), "\(errors)")
        return ("osiris_demo-\(version)-py3-none-any.whl", output.trimmingCharacters(in: .newlines))
    }

    private static let code = """
        import osiris_demo, os
        def handle(write=False):
            if write:
                open(os.path.dirname(osiris_demo.__file__) + "/more.py", "w")
            return osiris_demo.NAME
        """

    private static func file(_ path: String, _ text: String) -> [String: Any] {
        ["path": path, "base64": Data(text.utf8).base64EncodedString()]
    }

    /// A function with the wheel of one version in its source.
    private static func function(
        _ name: String, version: String, requires: String? = nil, _ more: [String: Any] = [:]
    ) async throws -> TestFunction {
        let wheel = try await wheel(version)
        let files: [[String: Any]] = [
            file("code.py", code), file("requirements.txt", "osiris-demo==\(requires ?? version)\n"),
            ["path": "wheels/\(wheel.name)", "base64": wheel.base64],
        ]
        return .python(name, "", ["files": files].merging(more) { $1 })
    }

    private func installed(_ hub: TestHub) throws -> [String] {
        let folder = hub.folder + "/dependencies"
        return FileManager.default.fileExists(atPath: folder)
            ? try FileManager.default.contentsOfDirectory(atPath: folder) : []
    }

    private func log(_ hub: TestHub, _ name: String) async throws -> String {
        try await hub.client.send("GET", "/system/logs?name=\(name)&namespace=demo").text
    }

    @Test func oneInstallServesAllWhoNeedTheSame() async throws {
        try await TestHub.with { hub in
            let scale = ["scale": ["min": 3, "max": 3]]
            _ = try await hub.client.put(Self.function("one", version: "1.0", scale))
            try await hub.client.wait(for: "one", "ready three times") { $0.availableReplicas == 3 }
            #expect(try await hub.client.call("one").text == #""demo 1.0""#)
            #expect(try await log(hub, "one").components(separatedBy: "Successfully installed").count == 2)
            _ = try await hub.client.put(Self.function("two", version: "1.0"))
            try await hub.client.wait(for: "two")
            #expect(try await hub.client.call("two").text == #""demo 1.0""#)
            #expect(try await !log(hub, "two").contains("installed"))
            #expect(try installed(hub).count == 1)
            // Others rely on it.
            let write = try await hub.client.call("two", #"{"write":true}"#)
            #expect(write.status == 500, "\(write.text)")

            // Another version is another set; what nobody needs any more goes.
            _ = try await hub.client.put(Self.function("two", version: "2.0"))
            try await hub.client.wait(for: "two", "updated") { $0.servingVersion == 2 }
            #expect(try await hub.client.call("two").text == #""demo 2.0""#)
            #expect(try installed(hub).count == 2)
            for name in ["one", "two"] {
                let deletion = #"{"functionName":"\#(name)","namespace":"demo"}"#
                _ = try await hub.client.send("DELETE", "/system/functions", body: deletion)
            }
            try await eventually("nothing is left") { try installed(hub).isEmpty }
        }
    }

    @Test func aFailedInstallLeavesTheOldVersionServing() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(Self.function("app", version: "1.0"))
            try await hub.client.wait(for: "app")
            _ = try await hub.client.put(Self.function("app", version: "1.0", requires: "9.9"))
            try await hub.client.wait(for: "app", "failing") {
                $0.lastError?.contains("Its dependencies cannot be installed: exit code 1") == true
            }
            let status = try await hub.client.status("app")
            #expect(status.servingVersion == 1 && status.version == 2 && !status.ready)
            #expect(status.lastError?.contains("osiris-demo==9.9") == true, "\(status.lastError ?? "")")
            #expect(try await hub.client.call("app").text == #""demo 1.0""#)
            #expect(try await log(hub, "app").contains("No matching distribution"))
            #expect(try installed(hub).filter { !$0.hasPrefix(".") }.count == 1)
        }
    }

    @Test func whatIsInstalledSurvivesARestartAndRubbishDoesNot() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            _ = try await hub.client.put(Self.function("app", version: "1.0"))
            try await hub.client.wait(for: "app")
        }
        for name in ["other", ".half"] {
            try FileManager.default.createDirectory(
                atPath: folder + "/dependencies/\(name)", withIntermediateDirectories: true)
        }
        try await TestHub.with(folder: folder) { hub in
            try await hub.client.wait(for: "app")
            #expect(try await hub.client.call("app").text == #""demo 1.0""#)
            #expect(try installed(hub).count == 1)
            #expect(try await log(hub, "app").components(separatedBy: "Successfully installed").count == 2)
        }
    }

    @Test func vendoredPackagesJustWork() async throws {
        try await TestHub.with { hub in
            let files = [
                Self.file("code.py", "import helper\ndef handle():\n    return helper.NAME\n"),
                Self.file("vendor/helper.py", "NAME = 'vendored'\n"),
            ]
            _ = try await hub.client.put(.python("app", "", ["files": files]))
            #expect(try await hub.client.call("app").text == #""vendored""#)
            #expect(try installed(hub).isEmpty)
        }
    }
}

/// The parts without I/O but reading.
@Suite struct DependencySetTests {
    private func set(_ runtime: FunctionSpec.Runtime, _ files: [String: String]) throws -> DependencySet? {
        let folder = NSTemporaryDirectory() + "osiris-set-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (path, text) in files {
            let url = URL(fileURLWithPath: "\(folder)/\(path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        return DependencySet(runtime: runtime, folder: folder)
    }

    @Test func theDigestCoversWhatDecides() throws {
        let plain = try #require(try set(.python3, ["requirements.txt": "a==1"]))
        #expect(try set(.python3, ["requirements.txt": "a==1", "code.py": "x"]) == plain)
        #expect(try set(.python3, ["requirements.txt": "a==2"]) != plain)
        let wheels = try #require(try set(.python3, ["requirements.txt": "a==1", "wheels/a.whl": "1"]))
        #expect(wheels.isOffline && !plain.isOffline && wheels.digest != plain.digest)
        #expect(try set(.python3, ["requirements.txt": "a==1", "wheels/a.whl": "2"]) != wheels)
        #expect(try set(.python3, ["code.py": "x"]) == nil)
        #expect(try set(.command, ["requirements.txt": "a==1"]) == nil)
    }

    @Test func nodeNeedsALockFileAndTakesVendoredModules() throws {
        let lock = ["package.json": "{}", "package-lock.json": #"{"packages":{}}"#]
        let plain = try #require(try set(.node, lock))
        #expect(plain.installer == .npm)
        #expect(try set(.node, lock.merging(["code.js": "x"]) { $1 }) == plain)
        #expect(try set(.node, ["package.json": "{}"]) == nil)
        #expect(try set(.node, lock.merging(["node_modules/a/index.js": ""]) { $1 }) == nil)
        // A package in the source is part of what is installed.
        let local = ["package.json": "{}", "package-lock.json": #"{"resolved": "file:a.tgz"}"#, "a.tgz": "1"]
        #expect(try set(.node, local) != set(.node, local.merging(["a.tgz": "2"]) { $1 }))
    }

    @Test func theIndexIsGivenOnlyWhereSomethingIsFetched() throws {
        let plain = try #require(try set(.python3, ["requirements.txt": "a==1"]))
        let wheels = try #require(try set(.python3, ["requirements.txt": "a==1", "wheels/a.whl": "1"]))
        #expect(plain.words(into: "/o", index: "http://i").contains("http://i"))
        #expect(!wheels.words(into: "/o", index: "http://i").contains("http://i"))
        #expect(wheels.words(into: "/o", index: nil).contains("--no-index"))
        let npm = try #require(try set(.node, ["package.json": "{}", "package-lock.json": "{}"]))
        #expect(npm.words(into: "/o", index: "http://r").suffix(2) == ["--registry", "http://r"])
    }
}
