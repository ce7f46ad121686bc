import ArgumentParser
import CLibCurl
import CLibYAML
import OsirisManifest
import OsirisModel

/// Prints the schema of manifests.
struct SchemaCommand: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case json, markdown }

    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of manifests, for editors.",
        discussion: """
            Example: osiris schema > osiris.schema.json, then start a manifest with
            # yaml-language-server: $schema=osiris.schema.json
            """)

    @Option(help: "json for a JSON Schema, markdown for the reference page.")
    var format: Format = .json

    func run() throws {
        let kinds = Providers.registry().targetKinds
        switch format {
        case .json: print(ManifestJSONSchema.render(kinds: kinds), terminator: "")
        case .markdown: print(ManifestReference(kinds: kinds).markdown, terminator: "")
        }
    }
}

/// Prints a completion script.
struct CompletionCommand: ParsableCommand {
    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for bash, zsh or fish.",
        discussion: "Example: source <(osiris completion bash)")

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() throws {
        let kind: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        print(Osiris.completionScript(for: kind))
    }
}

/// Prints versions.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version of osiris and of the libraries under it.",
        discussion: "Example: osiris version --json")

    @OptionGroup var output: OutputOptions

    func run() throws {
        let versions = LibraryVersions.all
        if output.json {
            var fields: [String: Value] = ["osiris": .string(OsirisVersion.current)]
            for (name, version) in versions { fields[name] = .string(version) }
            print(Value.map(fields).prettyJSONText)
        } else {
            print("osiris \(OsirisVersion.current)")
            for (name, version) in versions { print("  \(name) \(version)") }
        }
    }
}
