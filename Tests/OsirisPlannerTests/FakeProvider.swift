import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

@testable import OsirisPlanner

/// A provider that only describes its types; the planner calls nothing else.
struct FakeProvider: Provider {
    var name = "fake"
    let targetKind: TargetKind? = nil

    var handlers: [any ResourceHandler] {
        [Self.box, Self.app, Self.note, Self.vault, Self.pass].map(FakeHandler.init)
    }

    func expand(_ target: Target, of cluster: Cluster) throws -> Expansion { Expansion() }

    /// Stands alone; another image means another box.
    static let box = ResourceType(
        name: "box", doc: "",
        schema: Schema([
            Field("image", .string, forcesReplacement: true, doc: ""), Field("label", .string, doc: ""),
            Field("size", .int(0...100), default: 1, doc: ""), Field("peer", .string, doc: ""),
            Field("id", .string, role: .computed, doc: ""),
            Field("url", .string, role: .computed, changesWith: ["*"], doc: ""),
            Field("load", .int(0...100), role: .computed, volatile: true, doc: ""),
        ]))

    /// Lives on a box and must be deleted by a call.
    static let app = ResourceType(
        name: "app", doc: "",
        schema: Schema([
            Field("image", .string, forcesReplacement: true, doc: ""), Field("label", .string, doc: ""),
            Field("env", .map(of: .string), doc: ""), Field("peer", .string, doc: ""),
            Field("key", .string, secret: true, doc: ""), Field("id", .string, role: .computed, doc: ""),
            Field("url", .string, role: .computed, changesWith: ["*"], doc: ""),
        ]))

    /// Has a secret that its provider makes.
    static let vault = ResourceType(
        name: "vault", doc: "",
        schema: Schema([
            Field("label", .string, doc: ""), Field("token", .string, role: .computed, secret: true, doc: ""),
        ]))

    /// Ends some day, if it is signed.
    static let pass = ResourceType(
        name: "pass", doc: "",
        schema: Schema([
            Field("label", .string, doc: ""), Field("signer", .string, doc: ""),
            Field(
                "ends", .string, role: .computed, changesWith: ["signer"], presentWith: "signer",
                expiry: Expiry("pass", warnDays: 45, renewDays: 30), doc: ""),
            Field("serial", .string, role: .computed, changesWith: ["ends"], presentWith: "signer", doc: ""),
        ]))

    /// Goes with what it lives on.
    static let note = ResourceType(
        name: "note", doc: "",
        schema: Schema([
            Field("image", .string, forcesReplacement: true, doc: ""), Field("label", .string, doc: ""),
            Field("peer", .string, doc: ""), Field("id", .string, role: .computed, doc: ""),
            Field("url", .string, role: .computed, doc: ""),
        ]), goneWithParent: true)
}

private struct FakeHandler: ResourceHandler {
    let type: ResourceType

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] { requests.map { _ in .absent } }
    func create(_ request: OperationRequest) async throws -> Attributes { request.planned }
    func update(_ request: OperationRequest) async throws -> Attributes { request.planned }
    func delete(_ request: OperationRequest) async throws {}
    func resolve(_ request: OperationRequest) async throws -> IntentResolution { .notLanded }
    func fence(_ request: OperationRequest) async throws {}
    func discover(_ request: DiscoveryRequest) async -> Discovery { Discovery() }
}

/// Short ways to write the parts of a plan request down.
enum Fake {
    static let registry = ProviderRegistry([FakeProvider(), FakeProvider(name: "other")])

    static func address(_ text: String) -> ResourceAddress { ResourceAddress(text)! }

    static func span(_ line: Int) -> SourceSpan {
        SourceSpan(
            file: "m.yaml", start: SourcePosition(line: line, column: 3), end: SourcePosition(line: line, column: 9))
    }

    /// Declared at `line`; argument number n, by name, stands n lines below.
    static func wants(
        _ address: String, _ attributes: Attributes = [:], on parent: String? = nil, needs: [String] = [],
        line: Int = 1, provider: String = "fake"
    ) -> ResourceDeclaration {
        let entries = attributes.keys.sorted().enumerated().map { ($0.element, span(line + 1 + $0.offset)) }
        return ResourceDeclaration(
            address: Self.address(address), provider: provider, attributes: attributes,
            parent: parent.map(Self.address), dependsOn: needs.map(Self.address),
            spans: SpanMap(whole: span(line), entries: Dictionary(uniqueKeysWithValues: entries)))
    }

    static func has(
        _ address: String, _ attributes: Attributes = [:], on parent: String? = nil, needs: [String] = [],
        incomplete: String? = nil, provider: String = "fake"
    ) -> ResourceRecord {
        ResourceRecord(
            address: Self.address(address), provider: provider, attributes: attributes,
            parent: parent.map(Self.address), dependsOn: needs.map(Self.address), source: span(99),
            incomplete: incomplete)
    }

    static func cluster(safety: SafetySpec? = nil, targets: [String] = ["a"]) -> Cluster {
        let spans = SpanMap(whole: span(1), entries: ["targets": span(2), "protect.0": span(3), "maxDeletes": span(4)])
        return Cluster(
            name: "edge", hub: HubSpec(image: nil, archive: nil, port: 8080, spans: spans), functions: [],
            targets: targets.map { Target(name: $0, provider: "fake", settings: [:], spans: spans) },
            safety: safety ?? SafetySpec(maxDeletes: nil, protect: [], spans: spans), digest: "sha256:d",
            folder: "/", spans: spans)
    }

    static func plan(
        _ wanted: [ResourceDeclaration], _ recorded: [ResourceRecord] = [], actual: [String: ReadResult] = [:],
        mode: Plan.Mode = .apply, target: [String] = [], exclude: [String] = [], cluster: Cluster = cluster(),
        now: Date = Date(timeIntervalSince1970: 0)
    ) throws -> Plan {
        let records = Dictionary(uniqueKeysWithValues: recorded.map { ($0.address, $0) })
        var found = records.mapValues { ReadResult.present($0.attributes) }
        for (address, result) in actual { found[Self.address(address)] = result }
        return try Planner(registry).plan(
            PlanRequest(
                mode: mode, cluster: cluster, desired: mode == .destroy ? .empty : DesiredGraph(linking: wanted),
                lineage: "l", serial: 7, recorded: records, actual: found,
                selection: Selection(targets: target, excludes: exclude), now: now))
    }
}

extension Plan {
    /// One line for each change: action, address, reason, place.
    var changeLines: [String] {
        changes.map { "\($0.action.rawValue) \($0.address): \($0.reason.text) @\($0.source?.start.line ?? 0)" }
    }

    /// One line for each operation, in an order that keeps to the edges; what it waits for in brackets.
    var operationLines: [String] {
        func name(_ index: Int) -> String {
            let parts = changes[operations[index].change].address.text.split(separator: ".")
            return "\(operations[index].kind.rawValue) \(parts[parts.count - 1])"
        }
        return topologicalOrder(operations.map(\.needs)).order.map { index in
            let needs = operations[index].needs.map(name).sorted()
            return name(index) + (needs.isEmpty ? "" : " [\(needs.joined(separator: ", "))]")
        }
    }
}
