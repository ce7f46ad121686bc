import Foundation
import Testing

/// The corpus of broken manifests through the built program: exit 3, a place and a code, nothing written.
struct BadInputTests {
    private static let cases = Program.root.appendingPathComponent("Tests/OsirisManifestTests/Cases")

    /// Those with an error; the others are good manifests.
    private static let names =
        (try? FileManager.default.contentsOfDirectory(atPath: cases.path))?.filter { name in
            let expected = try? String(
                contentsOf: cases.appendingPathComponent(name + "/expected.txt"), encoding: .utf8)
            return expected?.contains(" OSR") == true
        }
        .sorted() ?? []

    @Test func theCorpusIsThere() { #expect(Self.names.count >= 40) }

    @Test(arguments: names) func isRefusedAndNothingIsWritten(name: String) async throws {
        let scratch = try Scratch()
        let folder = scratch.url.appendingPathComponent("case")
        try FileManager.default.copyItem(at: Self.cases.appendingPathComponent(name), to: folder)
        let expected = try String(contentsOf: folder.appendingPathComponent("expected.txt"), encoding: .utf8)
        let before = scratch.files()
        let (options, environment) = try Self.options(folder)
        for verb in [["validate"], ["plan"], ["apply", "--auto-approve"]] {
            let answer = try await Program.Running(verb + options, environment: environment, in: folder).wait()
            #expect(answer.status == 3, "\(verb) \(answer)")
            for code in expected.matches(of: #/ (OSR\d{4}) /#) { #expect(answer.err.contains(code.1), "\(answer)") }
        }
        #expect(scratch.files() == before)
    }

    /// The case's `options.txt` as a command line: `var NAME=VALUE`, `env NAME=VALUE`, `varfile FILE`, `path FILE`.
    private static func options(_ folder: URL) throws -> (arguments: [String], environment: [String: String]) {
        var arguments: [String] = []
        var environment = ["API_KEY": "hunter2"]
        let file = folder.appendingPathComponent("options.txt")
        let text =
            FileManager.default.fileExists(atPath: file.path) ? try String(contentsOf: file, encoding: .utf8) : ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            switch words[0] {
            case "path": arguments += ["-f", words[1]]
            case "varfile": arguments += ["--var-file", words[1]]
            case "var": arguments += ["--var", words[1]]
            default:
                let pair = words[1].split(separator: "=", maxSplits: 1).map(String.init)
                environment[pair[0]] = pair[1]
            }
        }
        if !arguments.contains("-f") { arguments += ["-f", "manifest.yaml"] }
        return (arguments, environment)
    }
}
