import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import Testing

@Suite("Variables")
struct VariableTests {
    @Test("a variable takes its strongest source: flag, later file, earlier file, environment, from, default")
    func precedence() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-vars-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let text = manifest(
            "  variables: {port: {type: int, default: 1, from: \"env:PORT\"}}\n  hub: {port: \"${var.port}\"}\n")
        let files = try [4, 5].map { number in
            let path = folder.path + "/\(number).vars"
            try "port: \(number)\n".write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
        let environment = ["OSIRIS_VAR_port": "3", "PORT": "2"]
        func port(_ variables: [String: String], _ files: [String], _ environment: [String: String]) -> Int? {
            load(["-"], variables: variables, variableFiles: files, environment: environment, input: text).cluster?.hub
                .port
        }
        #expect(port(["port": "6"], files, environment) == 6)
        #expect(port([:], files, environment) == 5)
        #expect(port([:], files.reversed(), environment) == 4)
        #expect(port([:], [], environment) == 3)
        #expect(port([:], [], ["PORT": "2"]) == 2)
        #expect(port([:], [], [:]) == 1)
    }

    @Test("lists and maps stand where they are used; what comes from outside is data")
    func structures() throws {
        let cluster = try #require(try Case("good-variables").load().cluster)
        #expect(cluster.hub.port == 9000)
        #expect(cluster.functions[0].command == ["date", "-u"])
        #expect(cluster.functions[0].limits.timeoutMilliseconds == 60_000)
        #expect(cluster.functions[0].limits.memoryBytes == 128 << 20)
        #expect(cluster.functions[0].smoke?.input == ["hosts": ["x", "${y}"]])
        #expect(cluster.targets[0].labels == ["zone": "a"])
    }

    @Test("another value of a list is another digest")
    func digest() {
        let text = manifest("  variables: {hosts: {type: list, default: []}}\n")
        func digest(_ hosts: String) -> String? { load(text: text, variables: ["hosts": hosts]).cluster?.digest }
        #expect(digest("[a]") != nil)
        #expect(digest("[a]") != digest("[b]"))
        #expect(digest("[a,  b]") == digest("[a, b]"))
    }

    @Test("what a variable's file says of a secret is masked, misspelt or not")
    func masked() throws {
        let test = try Case("var-file-secret")
        let text = try #require(test.load().sources[test.folder + "/prod.vars"])
        #expect(!text.contains("12345") && !text.contains("hunter2"))
        #expect(text.hasSuffix("region: 7\n"))
    }

    @Test("outputs of targets are references, alone or within a text")
    func outputs() throws {
        let env = try #require(try Case("good-outputs").load().cluster?.functions[0].env)
        let address = try #require(ResourceAddress("rack-a/output.0"))
        #expect(
            env["PEER"] == .joined(["http://", .reference(AttributeReference(address, "address")), ":80"]))
        #expect(env["N"]?.containsUnknown == true)
    }

    @Test("defaults of a provider reach its targets and nobody else's; a target's own keys win")
    func defaults() throws {
        let test = try Case("good-defaults")
        let targets = try #require(test.load().cluster?.targets)
        #expect(targets[0].settings["port"] == 8081)
        #expect(targets[1].settings["machines"] == ["count": 3])
        #expect(targets[1].settings["simulate"]?.mapValue?["latency"] == 20)
        #expect(targets[2].settings["machines"] == ["count": 5])
        #expect(targets[2].labels == ["zone": "b"])
        #expect(targets[1].spans["machines.count"].start.line == 8)
    }

    @Test("what defaults lack is missing in the target")
    func defaultsLacking() {
        let text = manifest(
            "  defaults: {simulated: {simulate: {seed: 1}}}\n  targets: [{name: rack-a, provider: simulated}]\n")
        #expect(codes(load(text: text)) == ["OSR0103"])
    }
}
