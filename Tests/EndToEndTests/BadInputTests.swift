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

    @Test(arguments: names) func isRefusedAndNothingIsWritten(name: String) throws {
        let scratch = try Scratch()
        let folder = scratch.url.appendingPathComponent("case")
        try FileManager.default.copyItem(at: Self.cases.appendingPathComponent(name), to: folder)
        let expected = try String(contentsOf: folder.appendingPathComponent("expected.txt"), encoding: .utf8)
        let before = scratch.files()
        for verb in [["validate"], ["plan"], ["apply", "--auto-approve"]] {
            let answer = try Program.Running(verb, in: folder).wait()
            #expect(answer.status == 3, "\(verb) \(answer)")
            let code = try #require(expected.firstMatch(of: #/OSR\d{4}/#))
            #expect(answer.err.contains(code.output), "\(answer)")
        }
        #expect(scratch.files() == before)
    }
}
