import Foundation
import Testing

/// The reviewed plans under plans/ are what the program says of the examples on an empty state, without asking anybody: the
/// hosts of examples/rack and the account of examples/aws are made up.
struct ExamplesTests {
    /// Recording needs OSIRIS_RECORD=1 and still fails the run, so that nobody records by accident.
    private static let records = ProcessInfo.processInfo.environment["OSIRIS_RECORD"] == "1"

    private static let examples =
        (try? FileManager.default.contentsOfDirectory(atPath: Program.root.appendingPathComponent("examples").path))?
        .sorted() ?? []

    @Test(arguments: examples) func planIsAsReviewed(example: String) async throws {
        let scratch = try Scratch()
        let state = scratch.url.appendingPathComponent("state.db").path
        for (ending, format) in [("txt", "text"), ("json", "json")] {
            let answer = try await Program.run(
                "plan", "-f", "examples/\(example)", "--state", state, "--format", format, "--no-refresh",
                in: Program.root)
            #expect(answer.status == 0, "\(answer)")
            let actual = Self.stable(answer.out)
            let file = Program.root.appendingPathComponent("plans/\(example).\(ending)")
            if Self.records {
                try Data(actual.utf8).write(to: file)
                Issue.record("recorded \(file.lastPathComponent)")
            }
            #expect(
                try String(contentsOf: file, encoding: .utf8) == actual, "OSIRIS_RECORD=1 records what is right now")
        }
    }

    @Test(arguments: examples) func exampleIsValid(example: String) async throws {
        let answer = try await Program.run("validate", "-f", "examples/\(example)", in: Program.root)
        #expect(answer.status == 0, "\(answer)")
    }

    /// The lineage of a state that does not exist yet is made anew for each run, and the digest of secrets follows it.
    private static func stable(_ text: String) -> String {
        text.replacing(#/"lineage": ?"[^"]*"/#, with: "\"lineage\": \"…\"")
    }
}
