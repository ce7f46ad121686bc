import Foundation
import OsirisDiagnostics
import OsirisModel
import Testing

@testable import OsirisManifest

@Suite("Explanations")
struct ExplanationTests {
    private static let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("docs")

    @Test("every code says what it means, why it happens, what to do, and shows an example")
    func complete() {
        for code in DiagnosticCode.allCases {
            guard let explanation = code.explanation else {
                Issue.record("\(code.rawValue) has no explanation: see Sources/OsirisDiagnostics/Explanations")
                continue
            }
            let parts = [explanation.means, explanation.cause, explanation.fix, explanation.example]
            #expect(!parts.contains(""), "\(code.rawValue) lacks a part")
        }
        let examples = DiagnosticCode.allCases.compactMap { $0.explanation?.example }
        #expect(Set(examples).count == examples.count, "two codes share an example")
    }

    @Test("docs/errors.md says of each code what osiris explain says")
    func page() throws {
        let text = try String(contentsOf: Self.docs.appendingPathComponent("errors.md"), encoding: .utf8)
        var rows: [String: [String]] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("| OSR") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(rows.updateValue(cells, forKey: cells[0]) == nil, "\(cells[0]) stands there twice")
        }
        for code in DiagnosticCode.allCases {
            guard let explanation = code.explanation else { continue }
            #expect(
                rows[code.rawValue]?.suffix(3) == [explanation.means, explanation.cause, explanation.fix],
                "| \(code.rawValue) | \(explanation.means) | \(explanation.cause) | \(explanation.fix) |")
        }
        #expect(Set(rows.keys) == Set(DiagnosticCode.allCases.map(\.rawValue)))
    }

    private let reference = ManifestReference(kinds: TestKinds.all)

    @Test("a path leads to its key, through lists, free keys and providers")
    func paths() throws {
        #expect(try reference.text("cluster.spec.targets").contains("simulated (mapping)"))
        #expect(try reference.text("spec.targets.simulated.machines.count").hasPrefix("cluster.spec.targets.simulated"))
        #expect(try reference.text("spec.functions[0].scale.min").contains("int 0-64, default 1"))
        #expect(try reference.text("spec.variables.region.type").contains("string | int"))
        #expect(try reference.text("overlay.spec.base").contains("required"))
        #expect(try reference.json("spec.hub.port").mapValue?["default"] == "8080")
    }

    @Test(
        "a path that leads nowhere has a suggestion",
        arguments: [
            ("cluster.spec.target", "cluster.spec.targets"), ("spec.hub.prot", "cluster.spec.hub.port"),
            ("clustre", "cluster"),
        ])
    func misspelt(path: String, meant: String) {
        let fault = #expect(throws: Diagnostic.self) { try reference.text(path) }
        #expect(fault?.help == "did you mean `osiris explain \(meant)`?")
    }

    @Test("every field has words")
    func documented() {
        func check(_ field: Field, _ path: String) {
            #expect(!field.doc.isEmpty, "\(path)")
            for key in reference.keys(of: field, at: path) { check(key, "\(path).\(key.name)") }
        }
        for document in reference.documents { check(document, document.name) }
    }
}
