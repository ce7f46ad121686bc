import Foundation
import OsirisDiagnostics
import OsirisManifest
import Testing

/// The corpus as a whole: how large it is, and that what is suggested is right.
@Suite("Suggestions")
struct SuggestionTests {
    private static let broken = CaseTests.names.filter { !$0.hasPrefix("good-") }

    @Test("at least 120 broken manifests, at least 100 of them with a next step at each fault's first place")
    func size() throws {
        let diagnostics = try Self.broken.map { try Case($0).load().diagnostics }
        #expect(diagnostics.allSatisfy { $0.hasErrors })
        #expect(diagnostics.count >= 120)
        #expect(diagnostics.filter { $0.first?.help != nil }.count >= 100)
    }

    /// `did you mean …`, `write …` and `remove the quotes` are done as they say: the fault must be gone.
    @Test("doing what is suggested removes the fault")
    func applied() throws {
        var done = 0
        let copies = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-cases-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: URL(fileURLWithPath: casesFolder), to: copies)
        defer { try? FileManager.default.removeItem(at: copies) }
        for name in Self.broken {
            let test = try Case(name, in: copies.path)
            for diagnostic in test.load().diagnostics {
                guard let help = diagnostic.help, let span = diagnostic.span,
                    let text = try? String(contentsOfFile: span.file, encoding: .utf8),
                    let new = Self.replacement(help, for: diagnostic, in: text)
                else { continue }
                try new.write(toFile: span.file, atomically: true, encoding: .utf8)
                defer { try? text.write(toFile: span.file, atomically: true, encoding: .utf8) }
                let left = test.load().diagnostics
                #expect(
                    !left.contains { $0.code == diagnostic.code && $0.span?.start == span.start && $0.help == help },
                    "\(name): \(diagnostic.code.rawValue) \(diagnostic.message): \(help)")
                done += 1
            }
        }
        #expect(done >= 60, "\(done) suggestions could be tried")
    }

    /// The text with the suggestion done, or nil if it is one for people.
    private static func replacement(_ help: String, for diagnostic: Diagnostic, in text: String) -> String? {
        guard let span = diagnostic.span, span.start.line == span.end.line else { return nil }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        let row = span.start.line - 1
        guard lines.indices.contains(row), span.end.column - 1 <= lines[row].count else { return nil }
        let range = (span.start.column - 1)..<(span.end.column - 1)
        let old = String(String.UnicodeScalarView(lines[row][range]))
        var new: String
        if let match = help.firstMatch(of: #/^did you mean `([^`]+)`\?/#) {
            new = String(match.1)
            // One level deeper: for people.
            if diagnostic.code == .unknownKey, new.contains(".") { return nil }
            // An anchor is named without its sign in the file's place.
            if diagnostic.code == .unknownVariableGiven, diagnostic.span == nil { return nil }
            if diagnostic.code == .invalidExpression, !new.hasPrefix("${") {
                guard let wrong = diagnostic.message.firstMatch(of: #/`([^`]+)`$/#) else { return nil }
                new = old.replacing(String(wrong.1), with: new)
            } else if diagnostic.code == .unknownTarget, old.hasPrefix("${") {
                guard let wrong = diagnostic.message.firstMatch(of: #/`([^`]+)`$/#) else { return nil }
                new = old.replacing(String(wrong.1), with: new)
            } else if diagnostic.code == .overlayPatch, old.contains("["), !new.contains("[") {
                guard let wrong = diagnostic.message.firstMatch(of: #/no (?:\w+ )?`([^`]+)`/#) else { return nil }
                new = old.replacing(String(wrong.1), with: new)
            } else if diagnostic.code == .overlayPatch, old != new, diagnostic.message.contains("/") {
                // The name and its namespace stand apart.
                return nil
            }
        } else if let match = help.firstMatch(of: #/^(?:put it in quotes: |write )`([^`]+)`$/#) {
            new = String(match.1)
            if new.contains("…") || new.contains("NAME") || new.contains(": ") { return nil }
        } else if help == "remove the quotes" {
            new = old.trimmingCharacters(in: CharacterSet(charactersIn: "\"'"))
        } else {
            return nil
        }
        lines[row].replaceSubrange(range, with: new.unicodeScalars)
        return lines.map { String(String.UnicodeScalarView($0)) }.joined(separator: "\n")
    }
}
