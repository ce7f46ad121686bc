import OsirisDiagnostics
import OsirisModel

/// The saved form of a plan: JSON with a format version, secrets only as digests.
///
/// It holds the whole plan, so that apply decides nothing again, and where the manifest is, so that sources and secrets
/// can be read from there; both are checked against the digests in the plan before the first write.
public struct PlanFile: Sendable {
    /// Raised when the form changes; other versions are refused.
    public static let formatVersion = 2

    public var plan: Plan
    /// The `-f` paths the plan was made from, absolute (`-` for standard input).
    public var manifestPaths: [String]
    /// Absolute path of the state.
    public var statePath: String

    public init(plan: Plan, manifestPaths: [String], statePath: String) {
        self.plan = plan
        self.manifestPaths = manifestPaths
        self.statePath = statePath
    }

    /// As JSON; `digest` is over all the rest, so that a plan that was edited is refused.
    public func encoded() -> Value {
        let content = content
        var fields = content.mapValue ?? [:]
        fields["digest"] = .string(Digest.sha256(content.json()))
        return .map(fields)
    }

    private var content: Value {
        var content: [String: Value] = [
            "kind": "osiris-plan", "formatVersion": .int(Self.formatVersion),
            "manifest": .list(manifestPaths.map(Value.string)), "state": .string(statePath),
            "mode": .string(plan.mode.rawValue), "cluster": .string(plan.cluster), "lineage": .string(plan.lineage),
            "serial": .int(plan.serial), "manifestDigest": .string(plan.manifestDigest),
            "noop": .int(plan.noopCount), "changes": .list(plan.changes.map(Self.encode)),
            "drift": .list(plan.drift.map(Self.encode)),
            "operations": .list(
                plan.operations.map {
                    [.int($0.change), .string($0.kind.rawValue), .list($0.needs.map(Value.int))]
                }),
            "refusals": .list(plan.refusals.map { [.string($0.code.rawValue), .string($0.message)] }),
            "setAside": .list(plan.setAside.map(Self.encode)),
        ]
        content["rollout"] = plan.rollout.map(Self.encode)
        return .map(content)
    }

    /// - Throws: `DiagnosticsError` (OSR0309) if this is not a plan this program can read.
    public init(decoding value: Value) throws {
        let reader = try PlanFileReader(value)
        guard try reader.int("formatVersion") == Self.formatVersion else {
            throw PlanFileReader.damaged("formatVersion")
        }
        var content = value.mapValue ?? [:]
        content["digest"] = nil
        guard try reader.text("digest") == Digest.sha256(Value.map(content).json()) else {
            throw PlanFileReader.damaged("digest")
        }
        let changes = try reader.list("changes").map(Self.change)
        plan = Plan(
            mode: Plan.Mode(rawValue: try reader.text("mode")) ?? .apply, cluster: try reader.text("cluster"),
            lineage: try reader.text("lineage"), serial: try reader.int("serial"),
            manifestDigest: try reader.text("manifestDigest"), changes: changes,
            drift: try reader.list("drift").map(Self.drift), noopCount: try reader.int("noop"),
            operations: try reader.list("operations").map { item in
                guard let parts = item.listValue, parts.count == 3, let change = parts[0].intValue,
                    changes.indices.contains(change),
                    let kind = parts[1].stringValue.flatMap(PlannedOperation.Kind.init),
                    let needs = parts[2].listValue
                else { throw PlanFileReader.damaged("operations") }
                return PlannedOperation(change: change, kind: kind, needs: needs.compactMap(\.intValue))
            }, rollout: try reader.optional("rollout").map(Self.rollout),
            setAside: try reader.list("setAside").map(Self.fault),
            refusals: try reader.list("refusals").map { item in
                guard let parts = item.listValue, parts.count == 2,
                    let code = parts[0].stringValue.flatMap(DiagnosticCode.init), let message = parts[1].stringValue
                else { throw PlanFileReader.damaged("refusals") }
                return Diagnostic(code, message)
            })
        for operation in plan.operations where !operation.needs.allSatisfy(plan.operations.indices.contains) {
            throw PlanFileReader.damaged("operations")
        }
        let (operations, machines) = (plan.operations.indices, plan.rollout?.machines ?? [])
        for machine in machines {
            guard machine.operations.allSatisfy(operations.contains),
                machine.needs.allSatisfy(machines.indices.contains)
            else { throw PlanFileReader.damaged("rollout") }
        }
        manifestPaths = try reader.list("manifest").compactMap(\.stringValue)
        statePath = try reader.text("state")
    }
}

extension PlanFile {
    private static func encode(_ change: ResourceChange) -> Value {
        var fields: [String: Value] = [
            "address": .string(change.address.text), "provider": .string(change.provider),
            "action": .string(change.action.rawValue), "reason": .string(change.reason.text),
            "attributes": .list(change.attributes.map(encode)), "arguments": .map(change.arguments),
            "prior": .map(change.prior), "dependsOn": .list(change.dependsOn.map { .string($0.text) }),
        ]
        if let source = change.source { fields["source"] = encode(source) }
        if let move = change.moved {
            fields["movedFrom"] = .string(move.from.text)
            fields["movedAt"] = move.source.map(encode)
        }
        if let parent = change.parent { fields["parent"] = .string(parent.text) }
        if let origin = change.reason.origin { fields["origin"] = .string(origin.text) }
        return .map(fields)
    }

    private static func encode(_ attribute: AttributeChange) -> Value {
        var fields: [String: Value] = ["path": .string(attribute.path)]
        if attribute.forcesReplacement { fields["forcesReplacement"] = true }
        fields["before"] = attribute.before
        fields["after"] = attribute.after
        return .map(fields)
    }

    private static func encode(_ drift: ResourceDrift) -> Value {
        [
            "address": .string(drift.address.text), "gone": .bool(drift.gone),
            "attributes": .list(drift.attributes.map(encode)),
        ]
    }

    static func encode(_ span: SourceSpan) -> Value {
        [
            .string(span.file), .int(span.start.line), .int(span.start.column), .int(span.end.line),
            .int(span.end.column),
        ]
    }

    private static func change(_ value: Value) throws -> ResourceChange {
        let reader = try PlanFileReader(value)
        guard let action = Action(rawValue: try reader.text("action")) else { throw PlanFileReader.damaged("action") }
        return ResourceChange(
            address: try reader.address("address"), provider: try reader.text("provider"), action: action,
            reason: .recorded(
                try reader.text("reason"),
                origin: try reader.optional("origin") == nil ? nil : reader.address("origin")),
            source: try reader.optional("source").map(span),
            attributes: try reader.list("attributes").map(attribute), arguments: try reader.map("arguments"),
            prior: try reader.map("prior"),
            parent: try reader.optional("parent") == nil ? nil : reader.address("parent"),
            dependsOn: try reader.list("dependsOn").compactMap { $0.stringValue.flatMap(ResourceAddress.init) },
            moved: try reader.optional("movedFrom") == nil
                ? nil
                : ResourceMove(
                    from: try reader.address("movedFrom"), source: try reader.optional("movedAt").map(span)))
    }

    private static func attribute(_ value: Value) throws -> AttributeChange {
        let reader = try PlanFileReader(value)
        return AttributeChange(
            path: try reader.text("path"), before: try reader.optional("before"), after: try reader.optional("after"),
            forcesReplacement: try reader.optional("forcesReplacement") == true)
    }

    private static func drift(_ value: Value) throws -> ResourceDrift {
        let reader = try PlanFileReader(value)
        return ResourceDrift(
            address: try reader.address("address"), attributes: try reader.list("attributes").map(attribute),
            gone: try reader.optional("gone") == true)
    }

    static func span(_ value: Value) throws -> SourceSpan {
        guard let parts = value.listValue, parts.count == 5, let file = parts[0].stringValue,
            case let numbers = parts.dropFirst().compactMap(\.intValue), numbers.count == 4
        else { throw PlanFileReader.damaged("source") }
        return SourceSpan(
            file: file, start: SourcePosition(line: numbers[0], column: numbers[1]),
            end: SourcePosition(line: numbers[2], column: numbers[3]))
    }
}

/// Typed access to the fields of one object in a plan file.
struct PlanFileReader {
    private let fields: [String: Value]

    init(_ value: Value) throws {
        guard let fields = value.mapValue else { throw Self.damaged("an object") }
        self.fields = fields
    }

    static func damaged(_ what: String) -> DiagnosticsError {
        DiagnosticsError([
            Diagnostic(
                .planFile, "the plan file was changed or is of another version: `\(what)` is not as it must be",
                help: "make a new one with `osiris plan --out FILE`")
        ])
    }

    func optional(_ key: String) throws -> Value? { fields[key] }

    func text(_ key: String) throws -> String {
        guard case .string(let text) = fields[key] else { throw Self.damaged(key) }
        return text
    }

    func int(_ key: String) throws -> Int {
        guard let number = fields[key]?.intValue else { throw Self.damaged(key) }
        return number
    }

    func list(_ key: String) throws -> [Value] {
        guard let items = fields[key]?.listValue else { throw Self.damaged(key) }
        return items
    }

    func map(_ key: String) throws -> [String: Value] {
        guard let entries = fields[key]?.mapValue else { throw Self.damaged(key) }
        return entries
    }

    func address(_ key: String) throws -> ResourceAddress {
        guard let address = ResourceAddress(try text(key)) else { throw Self.damaged(key) }
        return address
    }
}
