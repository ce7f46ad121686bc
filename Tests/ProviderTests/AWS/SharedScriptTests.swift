import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderAWS
@testable import ProviderSSH

/// One script for the machines of a call, filled in by this machine's shells.
@Suite struct SharedScriptTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What a machine runs that EC2 tells this launch index; nil for one that it tells nothing.
    private func run(_ script: String, index: Int?, _ shell: [String]) async throws -> String {
        let answer = index.map { "[ \"$*\" = 'query ds.meta_data.ami_launch_index' ] && echo \($0)" } ?? "exit 1"
        try folder.write(program: "#!/bin/sh\n\(answer)\n", to: "bin/cloud-init")
        try folder.write(script, to: "script")
        let output = folder.path + "/output"
        try? FileManager.default.removeItem(atPath: output)
        let pid = try OsirisModel.Launch(
            shell[0], Array(shell.dropFirst()) + ["script"],
            environment: ["PATH": folder.path + "/bin:/usr/bin:/bin"], folder: folder.path, output: .file(output),
            errors: .file(output)
        ).start()
        #expect(await OsirisModel.Launch.end(of: pid) == 0, "\(folder.text("output"))")
        return folder.text("output")
    }

    @Test(arguments: ProbeTests.shells) func eachMachineFillsInItsOwnWords(_ shell: [String]) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = Seeded(seed)
        let words = ["m1", "m-2", "a.b_c", "0123", "$x", "'&/\\'", "\"é\"", "# %s", "`", ")", ";;", "\t"]
        for _ in 0..<20 {
            let lines = (0..<10).map { _ in (0..<4).map { _ in words.randomElement(using: &generator)! } }
            let scripts = (0..<3).map { machine in
                let text = lines.map { $0.joined(separator: " ") + " host-\(machine) \(machine)\(machine).x" }
                return "cat <<'END'\n" + text.joined(separator: "\n") + "\nEND\n"
            }
            let shared = try SharedScript(scripts).text
            for index in 0..<3 {
                #expect(
                    try await run(shared, index: index, shell) == run(scripts[index], index: nil, shell),
                    "seed \(seed), machine \(index)")
            }
        }
    }

    @Test(arguments: ProbeTests.shells) func whoDoesNotKnowItsIndexDoesNothing(_ shell: [String]) async throws {
        let shared = try SharedScript(["echo a", "echo b"]).text
        for index in [nil, 7] {
            #expect(try await run(shared, index: index, shell).contains("all of it comes over SSH"))
        }
    }

    @Test func scriptsThatAreNotAlikeHaveNone() {
        for scripts in [["a b", "a"], ["a b", "a;b"], ["a ", "a b"], ["@@1@@ a", "@@1@@ b"]] {
            #expect(throws: SharedScript.Unlike.self, "\(scripts)") { try SharedScript(scripts) }
        }
    }
}
