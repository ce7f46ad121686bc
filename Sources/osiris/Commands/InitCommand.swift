import ArgumentParser
import Foundation
import OsirisDiagnostics

/// Writes a manifest to start from.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a manifest and a function to start from.",
        discussion: "Example: osiris init my-cluster && osiris plan -f my-cluster")

    @Argument(help: "The folder to write into; made if it is not there.")
    var folder = "."

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let root = URL(fileURLWithPath: folder)
            let files = [("cluster.yaml", Self.manifest(root)), ("functions/hello/hello.py", Self.function)]
            for (name, _) in files where FileManager.default.fileExists(atPath: root.appendingPathComponent(name).path)
            {
                throw Diagnostic(
                    .usage, "`\(folder)/\(name)` is already there", help: "name another folder: osiris init FOLDER")
            }
            for (name, text) in files {
                let url = root.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: url)
                console.line("wrote \(folder)/\(name)")
            }
            console.line("Next: osiris plan -f \(folder)")
        }
    }

    /// The cluster is named after its folder, as far as that is a DNS label.
    private static func manifest(_ folder: URL) -> String {
        let allowed = folder.standardizedFileURL.lastPathComponent.lowercased().map {
            $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-"
        }
        let name = String(allowed.prefix(63)).trimmingCharacters(in: ["-"])
        return """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata:
              name: \(name.isEmpty ? "cluster" : name)
            spec:
              hub:
                port: 8080
              functions:
                - name: hello
                  namespace: demo
                  runtime: python3
                  source: functions/hello
                  handler: hello.handle
                  env: {GREETING: hi}
                  smoke: {input: {name: Ada}, expect: {greeting: hi Ada}}
              targets:
                - name: here
                  provider: local

            """
    }

    private static let function = """
        import os


        def handle(name: str = "world") -> dict:
            return {"greeting": f"{os.environ['GREETING']} {name}"}

        """
}
