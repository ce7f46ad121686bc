import Foundation
import OsirisManifest
import OsirisModel
import Testing

@Suite("Loading")
struct LoaderTests {
    private let good = manifest("  hub: {port: 1234}\n")

    @Test("the standard input has a name and a folder")
    func standardInput() {
        let loaded = load(text: good)
        #expect(loaded.cluster?.folder == FileManager.default.currentDirectoryPath)
        #expect(loaded.cluster?.hub.spans["port"].file == "<stdin>")
        #expect(loaded.sources == ["<stdin>": good])
        #expect(loaded.lineCount == 5)
    }

    @Test("whether hubs speak TLS is said or left open")
    func tls() {
        #expect(load(text: good).cluster.map { $0.hub.tls == nil } == true)
        #expect(load(text: manifest("  hub: {tls: true}\n")).cluster?.hub.tls == true)
        #expect(load(text: manifest("  hub: {tls: false}\n")).cluster?.hub.tls == false)
        #expect(codes(load(text: manifest("  hub: {tls: always}\n"))) == ["OSR0102"])
    }

    @Test("a standard input that fails is a diagnostic")
    func failingInput() {
        let loaded = ManifestLoader.load(
            ManifestOptions(
                paths: ["-"], standardInput: { throw CocoaError(.fileReadUnknown) }, kinds: [], secretDigest: { $0 }))
        #expect(codes(loaded) == ["OSR0001"])
        #expect(loaded.cluster == nil)
    }

    @Test("no paths, no manifest")
    func nothing() { #expect(codes(load([])) == ["OSR0007"]) }

    @Test("a folder is read whole and sorted, its name kept as written")
    func folder() throws {
        let path = casesFolder + "/good-mixed-documents/manifests/"
        let loaded = load([path])
        #expect(loaded.sources.keys.sorted() == [path + "a.yaml", path + "b.yml"])
        #expect(loaded.cluster?.folder == String(path.dropLast()))
    }

    @Test("a variable takes its strongest source")
    func precedence() {
        let text = manifest(
            "  variables: {port: {type: int, default: 1, from: \"env:PORT\"}}\n  hub: {port: \"${var.port}\"}\n")
        func port(_ variables: [String: String], _ environment: [String: String]) -> Int? {
            load(text: text, variables: variables, environment: environment).cluster?.hub.port
        }
        #expect(port(["port": "4"], ["OSIRIS_VAR_port": "3", "PORT": "2"]) == 4)
        #expect(port([:], ["OSIRIS_VAR_port": "3", "PORT": "2"]) == 3)
        #expect(port([:], ["PORT": "2"]) == 2)
        #expect(port([:], [:]) == 1)
    }

    @Test("a secret in plain env is a secret there too, and its text is nowhere else")
    func secretInEnv() throws {
        let text = manifest(
            "  variables: {k: {secret: true, from: \"env:API_KEY\"}}\n  functions:\n"
                + "  - {name: a, runtime: command, command: [x], env: {A: \"x-${var.k}\", B: plain}}\n")
        let loaded = load(text: text)
        let env = try #require(loaded.cluster?.functions[0].env)
        guard case .secret(let secret) = env["A"] else {
            Issue.record("not a secret")
            return
        }
        #expect(secret.plaintext == "x-hunter2")
        #expect(secret.digest.hasPrefix("hmac-sha256:"))
        #expect(env["B"] == "plain")
        var dumped = ""
        dump(loaded, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test("secrets near a syntax fault are masked as well")
    func maskedFault() {
        let text = manifest(
            "  variables:\n    k: {secret: true, default: hunter2\n  functions:\n  - name: a\n    secrets:\n"
                + "      KEY: hunter2\n      OTHER: 'hunter2'\n    env: {A: [}\n")
        let loaded = load(text: text)
        #expect(codes(loaded) == ["OSR0002"])
        #expect(loaded.sources["<stdin>"]?.contains("hunter2") == false)
        #expect(loaded.sources["<stdin>"]?.contains("env: {A: [}") == true)
        #expect(loaded.sources["<stdin>"]?.count == text.count)
    }

    @Test("the text of an expression is data: it is not expanded again")
    func noSecondExpansion() {
        let text = manifest(
            "  functions:\n  - {name: a, runtime: command, command: [\"${env.TRICK}\"]}\n")
        let loaded = load(text: text, environment: ["TRICK": "${env.API_KEY} $${x}", "API_KEY": "hunter2"])
        #expect(loaded.cluster?.functions[0].command == ["${env.API_KEY} $${x}"])
    }
}
