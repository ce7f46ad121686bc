import Foundation
import OsirisDiagnostics
import OsirisManifest
import Testing

/// Golden cases: each folder under Cases holds a manifest and the diagnostics it must give.
///
/// `options.txt`, if there, has lines `var NAME=VALUE`, `env NAME=VALUE`, `varfile FILE` and `path FILE`. Recording with
/// `OSIRIS_RECORD=1` rewrites expected.txt and still fails the run.
@Suite("Golden cases")
struct CaseTests {
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: casesFolder)) ?? []).sorted()

    @Test("a manifest gives its diagnostics", arguments: names)
    func golden(name: String) throws {
        let loaded = try Case(name).load()
        #expect((loaded.cluster == nil) == loaded.diagnostics.hasErrors)
        let actual = Self.lines(of: loaded, in: name)
        #expect(!actual.contains("hunter2"), "a secret in a diagnostic")
        try compare(actual, with: casesFolder + "/\(name)/expected.txt")
        if name.hasPrefix("good-") { #expect(loaded.cluster != nil) }
    }

    static let rendered = [
        "unknown-keys", "duplicate-keys", "yaml-tab", "expressions", "secrets-misplaced", "wide-characters",
        "many-faults", "overlay-secret-masked", "overlay-add-present", "var-file-secret", "secrets-masked",
        "alerts-unread",
    ]

    @Test("a manifest's diagnostics as they are printed", arguments: rendered)
    func printed(name: String) throws {
        let loaded = try Case(name).load()
        let prefix = casesFolder + "/\(name)/"
        let sources = Dictionary(loaded.sources.map { ($0.key.replacing(prefix, with: ""), $0.value) }) { $1 }
        let text = DiagnosticRenderer.text(
            loaded.diagnostics.map { Self.relative($0, to: prefix) }, sources: sources)
        #expect(!text.contains("hunter2"), "a secret on the terminal")
        try compare(text, with: casesFolder + "/\(name)/rendered.txt")
    }

    @Test("every code of the manifest stages has a case")
    func coverage() throws {
        let seen = try Set(Self.names.flatMap { try Case($0).load().diagnostics.map(\.code) })
        // A machine is known only once the targets are expanded: `TargetOutputTests`.
        let wanted = DiagnosticCode.allCases.filter { $0.rawValue < "OSR03" && $0 != .unknownMachine }
        #expect(wanted.filter { !seen.contains($0) } == [])
    }

    private func compare(_ actual: String, with file: String) throws {
        let expected = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        if ProcessInfo.processInfo.environment["OSIRIS_RECORD"] == "1" {
            if actual != expected { try actual.write(toFile: file, atomically: true, encoding: .utf8) }
            Issue.record("recorded \(file); run again without OSIRIS_RECORD")
            return
        }
        #expect(actual == expected)
    }

    private static func lines(of loaded: LoadedManifest, in name: String) -> String {
        if loaded.diagnostics.isEmpty { return "no diagnostics\n" }
        let prefix = casesFolder + "/\(name)/"
        var text = ""
        for diagnostic in loaded.diagnostics.map({ relative($0, to: prefix) }) {
            text += "\(diagnostic.span?.description ?? "-") \(diagnostic.code.rawValue) \(diagnostic.message)\n"
            for note in diagnostic.notes { text += "  note: \(note.span?.description ?? "-") \(note.message)\n" }
            if let help = diagnostic.help { text += "  help: \(help.replacing("\n", with: "\n        "))\n" }
        }
        return text
    }

    private static func relative(_ diagnostic: Diagnostic, to prefix: String) -> Diagnostic {
        var result = diagnostic
        result.message = result.message.replacing(prefix, with: "")
        result.help = result.help?.replacing(prefix, with: "")
        func shortened(_ span: SourceSpan?) -> SourceSpan? {
            span.map { SourceSpan(file: $0.file.replacing(prefix, with: ""), start: $0.start, end: $0.end) }
        }
        result.span = shortened(result.span)
        result.notes = result.notes.map { Diagnostic.Note($0.message, at: shortened($0.span)) }
        return result
    }
}

/// One folder of Cases.
struct Case {
    let folder: String
    var paths: [String] = []
    var variables: [String: String] = [:]
    var variableFiles: [String] = []
    var environment = testEnvironment

    /// - Parameter root: where the folder is; a copy may be changed.
    init(_ name: String, in root: String = casesFolder) throws {
        folder = root + "/" + name
        let options = (try? String(contentsOfFile: folder + "/options.txt", encoding: .utf8)) ?? ""
        for line in options.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            let pair = words[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch words[0] {
            case "varfile": variableFiles.append(folder + "/" + words[1])
            case "path": paths.append(folder + "/" + words[1])
            case "var": variables[pair[0]] = pair[1]
            case "env": environment[pair[0]] = pair[1]
            default: throw CocoaError(.fileReadCorruptFile)
            }
        }
        if paths.isEmpty { paths = [folder + "/manifest.yaml"] }
    }

    func load() -> LoadedManifest {
        OsirisManifestTests.load(
            paths, variables: variables, variableFiles: variableFiles, environment: environment)
    }
}
