import OsirisDiagnostics
import OsirisModel

@testable import OsirisPlanner

/// Short ways to write plans down.
enum Sample {
    static func plan(
        _ changes: [ResourceChange] = [], drift: [ResourceDrift] = [], unchanged: Int = 0, mode: Plan.Mode = .apply,
        diagnostics: [Diagnostic] = [], refusals: [Diagnostic] = []
    ) -> Plan {
        let sorted = changes.sorted { $0.address < $1.address }
        return Plan(
            mode: mode, cluster: "edge", lineage: "5f0c9a52", serial: 12, manifestDigest: "sha256:" + digest("c"),
            changes: sorted, drift: drift, noopCount: unchanged,
            operations: OperationGraph.build(
                sorted, oldParent: { address in sorted.first { $0.address == address }?.parent },
                recordedNeeds: { address in sorted.first { $0.address == address }?.parent.map { [$0] } ?? [] },
                goesWithParent: { $0.address.type == "function" }),
            diagnostics: diagnostics, refusals: refusals)
    }

    static func address(_ text: String) -> ResourceAddress { ResourceAddress(text)! }
    static func digest(_ letter: String) -> String { String(repeating: letter, count: 64) }
    static func secret(_ digest: String) -> Value { .secret(Secret(digest: digest, plaintext: "hunter2-\(digest)")) }

    static func span(_ line: Int, _ column: Int = 5, file: String = "cluster.yaml") -> SourceSpan {
        SourceSpan(
            file: file, start: SourcePosition(line: line, column: column),
            end: SourcePosition(line: line, column: column + 4))
    }

    static func change(
        _ address: String, _ action: Action, _ reason: ActionReason, line: Int?, provider: String = "hub",
        _ attributes: [AttributeChange] = [], prior: Attributes = [:], parent: String? = nil,
        dependsOn: [String] = []
    ) -> ResourceChange {
        ResourceChange(
            address: Self.address(address), provider: provider, action: action, reason: reason,
            source: line.map { span($0) }, attributes: attributes, prior: prior,
            parent: parent.map { Self.address($0) }, dependsOn: dependsOn.map { Self.address($0) })
    }

    static func set(_ path: String, _ value: Value) -> AttributeChange {
        AttributeChange(path: path, before: nil, after: value)
    }

    static func turn(_ path: String, _ before: Value?, _ after: Value?, forces: Bool = false) -> AttributeChange {
        AttributeChange(path: path, before: before, after: after, forcesReplacement: forces)
    }

    static func createdFunction(_ address: String, line: Int = 20, parent: String? = nil) -> ResourceChange {
        change(
            address, .create, .added, line: line,
            [
                set("alwaysOn", true), set("env.GREETING", "hi"), set("handler", "main.handle"),
                set("limits.timeout", 10000), set("name", "hello"), set("namespace", "demo"),
                set("runtime", "python3"), set("source", .string("sha256:" + digest("a"))), set("version", .unknown),
            ], parent: parent)
    }
}
