import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit

/// One run of the planner: walks the desired graph in order, then the records nobody wants any more.
struct PlanningPass {
    private let request: PlanRequest
    private let registry: ProviderRegistry
    /// Nil for all.
    private let selected: Set<ResourceAddress>?
    /// By the new address, under which the request has them already.
    private let moves: [ResourceAddress: ResourceMove]
    /// By index in the desired graph: what becomes of the resource.
    private var actions: [Action] = []
    private var reasons: [ActionReason] = []
    /// By index: its attributes after apply as far as known, for those who refer to it.
    private var planned: [Attributes] = []

    /// By the resource they live on: how many could not be read because of it and were taken as recorded.
    private var assumed: [ResourceAddress: Int] = [:]

    private(set) var changes: [ResourceChange] = []
    private(set) var drift: [ResourceDrift] = []
    private(set) var noopCount = 0
    private(set) var diagnostics: [Diagnostic] = []
    /// What could not be read and is not changed by way of what it lives on.
    private(set) var unreadable: [(address: ResourceAddress, reason: String, source: SourceSpan?)] = []

    init(
        _ request: PlanRequest, _ registry: ProviderRegistry, selected: Set<ResourceAddress>?,
        moves: [ResourceAddress: ResourceMove] = [:]
    ) {
        (self.request, self.registry, self.selected, self.moves) = (request, registry, selected, moves)
    }

    /// What is there now, as the plan sees it.
    private enum Present {
        case nothing(ActionReason)
        case object(Attributes)
    }

    mutating func planDesired() {
        let count = request.desired.declarations.count
        actions.reserveCapacity(count)
        reasons.reserveCapacity(count)
        planned.reserveCapacity(count)
        for index in 0..<count { planOne(index) }
        for (parent, count) in assumed.sorted(by: { $0.key < $1.key }) {
            let things = count == 1 ? "1 resource" : "\(count) resources"
            diagnostics.append(
                Diagnostic(
                    .warning, .resourceUnreadable,
                    "\(things) on `\(parent)` cannot be read before it is changed: taken as recorded",
                    address: parent.text, help: "plan again after apply to see whether they drifted too"))
        }
    }

    private mutating func planOne(_ index: Int) {
        let declaration = request.desired.declarations[index]
        let address = declaration.address
        let record = request.recorded[address]
        guard selected?.contains(address) ?? true else {
            if case .present(let actual) = request.actual[address] { return finish(.noop, .added, actual) }
            return finish(.noop, .added, record?.attributes ?? [:])
        }
        guard let type = registry.handler(provider: declaration.provider, type: address.type)?.type else {
            diagnostics.append(
                Diagnostic(
                    .unknownProvider, "provider `\(declaration.provider)` has no resource type `\(address.type)`",
                    at: declaration.spans.whole, address: address.text, help: "This is a bug in the provider."))
            return finish(.noop, .added, [:])
        }
        let arguments = resolve(declaration.attributes)
        let diff = AttributeDiff(type.schema)
        let present = look(at: declaration, record: record, parent: declaration.parent.flatMap(desiredIndex))
        noteDrift(address, type: type, record: record)
        switch present {
        case .nothing(let reason):
            append(declaration, .create, reason, declaration.spans.whole, diff.created(arguments), prior: [:])
            finish(.create, reason, diff.withDefaults(arguments))
        case .object(let actual):
            planExisting(declaration, type: type, record: record, arguments: arguments, actual: actual)
        }
    }

    /// A no-op, an update or a replacement.
    private mutating func planExisting(
        _ declaration: ResourceDeclaration, type: ResourceType, record: ResourceRecord?, arguments: Attributes,
        actual: Attributes
    ) {
        let diff = AttributeDiff(type.schema)
        let wanted = (declaration, arguments)
        var (declaration, arguments) = wanted
        for (name, value) in diff.kept(of: actual, instead: arguments) {
            declaration.attributes[name] = value
            arguments[name] = value
        }
        let differing = diff.arguments(before: actual, after: arguments)
        let parentAction = declaration.parent.flatMap(desiredIndex).map { actions[$0] }
        let moved = record.flatMap { ChangeCause.moved(from: $0, to: declaration, parentAction: parentAction) }
        let lost = Self.lostSecrets(type.schema, actual)
        let endings = Ending.near(in: actual, type.schema, now: request.now)
        let due = endings.filter(\.isDue)
        warn(of: endings.filter { !$0.isDue }, declaration, differing)
        var action = Action.replace
        var reason: ActionReason
        if let parent = declaration.parent.flatMap(desiredIndex), actions[parent] == .replace {
            reason = .parentMade(declaration.parent!, .replace, reasons[parent])
        } else if let moved {
            reason = .manifestChanged([moved])
        } else if differing.isEmpty && record?.incomplete == nil && lost.isEmpty && due.isEmpty {
            if let move = moves[declaration.address] {
                append(declaration, .move, .moved(move.from), move.source ?? declaration.spans.whole, [], prior: actual)
            } else {
                noopCount += 1
            }
            return finish(.noop, .added, actual)
        } else {
            reason =
                (lost.isEmpty ? nil : ActionReason.secretLost(lost))
                ?? record?.incomplete.map(Self.reason)
                ?? (differing.isEmpty ? due.first?.reason : nil)
                ?? ChangeCause(declaration, diff, recorded: record?.attributes ?? [:], actual: actual)
                .reason(differing, arguments: arguments)
            if !differing.contains(where: \.forcesReplacement) { action = .update }
        }
        // A new object keeps nothing of the old one.
        if action == .replace { (declaration, arguments) = wanted }
        // What is the new object's alone is not known yet: dependants see it as such.
        var after = diff.withDefaults(arguments)
        // The cause is an argument, wherever a computed attribute is sorted among them.
        let source = differing.first.map { declaration.spans[$0.path] } ?? declaration.spans.whole
        var shown = diff.replaced(prior: actual, arguments: arguments)
        if action == .update {
            let unknown =
                diff.unknownAfterUpdate(of: differing, renewed: due.map(\.name), prior: actual)
                + lost.map { AttributeChange(path: $0, before: nil, after: .unknown) }
            shown = (differing + unknown).sorted { $0.path < $1.path }
            let changing = Set(unknown.map(\.path))
            for field in type.schema.fields where field.role == .computed && !changing.contains(field.name) {
                after[field.name] = actual[field.name]
            }
        }
        append(declaration, action, reason, source, shown, prior: actual)
        finish(action, reason, after)
    }

    private static func reason(_ incomplete: String) -> ActionReason {
        switch incomplete {
        case ResourceRecord.keyChanged: .keyChanged
        case ResourceRecord.rotationAsked: .rotationAsked
        default: .incomplete(incomplete)
        }
    }

    /// Of ends that come nearer and that this plan does nothing about.
    private mutating func warn(
        of endings: [Ending], _ declaration: ResourceDeclaration, _ differing: [AttributeChange]
    ) {
        for ending in endings where !differing.contains(where: { ending.changesWith.contains($0.path) }) {
            diagnostics.append(
                Diagnostic(
                    .warning, .expiresSoon, "the \(ending.what) of `\(declaration.address)` \(ending.text)",
                    at: declaration.spans.whole, address: declaration.address.text,
                    help: "a plan renews it when fewer than \(ending.renewDays) days are left"))
        }
    }

    /// Generated secrets that ought to be known and are not: those of a rebuilt state whose key was lost.
    private static func lostSecrets(_ schema: Schema, _ actual: Attributes) -> [String] {
        schema.fields.filter { $0.role == .computed && $0.secret && actual[$0.name] == nil }.map(\.name)
    }

    /// What is there: by the refresh if it could tell, else by the record.
    private mutating func look(at declaration: ResourceDeclaration, record: ResourceRecord?, parent: Int?) -> Present {
        guard let record else { return .nothing(.added) }
        // Whatever lived on a thing that is no longer there is gone with it.
        if let parent, actions[parent] == .create, record.parent == declaration.parent {
            return .nothing(.parentMade(declaration.parent!, .create, reasons[parent]))
        }
        switch request.actual[declaration.address] {
        case .present(let attributes): return .object(attributes)
        case .absent: return .nothing(.gone)
        case nil: return .object(record.attributes)
        case .unreadable(let why):
            if let parent, actions[parent] != .noop {
                assumed[declaration.parent!, default: 0] += 1
            } else {
                unreadable.append((declaration.address, why, declaration.spans.whole))
            }
            return .object(record.attributes)
        }
    }

    /// One fault for each root of `unreadable`.
    func unreadableRoots(_ roots: Roots) -> [PreflightFault] {
        var order: [ResourceAddress] = []
        var found: [ResourceAddress: PreflightFault] = [:]
        var more: [ResourceAddress: Int] = [:]
        for item in unreadable {
            let root = roots[item.address]
            if found[root] != nil {
                more[root, default: 0] += 1
                continue
            }
            order.append(root)
            let subject = item.address == root ? "it" : "`\(item.address)`"
            found[root] = PreflightFault(
                root: root, code: .resourceUnreadable, message: "\(subject) cannot be read: \(item.reason)",
                help: "nothing on it is changed; mend the cause, then plan again", source: item.source)
        }
        return order.compactMap { root in
            guard var fault = found[root] else { return nil }
            if let count = more[root] { fault.message += " (and \(count) more)" }
            return fault
        }
    }

    private mutating func noteDrift(
        _ address: ResourceAddress, type: ResourceType, record: ResourceRecord?
    ) {
        // What our own unfinished operation left is not somebody else's doing.
        guard let record, record.incomplete == nil else { return }
        switch request.actual[address] {
        case .absent: drift.append(ResourceDrift(address: address, attributes: [], gone: true))
        case .present(let actual):
            let differing = AttributeDiff(type.schema).drift(recorded: record.attributes, actual: actual)
            guard !differing.isEmpty else { return }
            drift.append(ResourceDrift(address: address, attributes: differing, gone: false))
        default: break
        }
    }

    /// Deletes, for records that are not desired.
    mutating func planRemoved() {
        var removed = request.recorded.values.filter { request.desired.indices[$0.address] == nil }
        removed.sort { $0.address < $1.address }
        for record in removed {
            guard selected?.contains(record.address) ?? true else { continue }
            var prior = record.attributes
            switch request.actual[record.address] {
            case .present(let actual):
                prior = actual
                if let type = registry.handler(provider: record.provider, type: record.address.type)?.type {
                    noteDrift(record.address, type: type, record: record)
                }
            case .absent: drift.append(ResourceDrift(address: record.address, attributes: [], gone: true))
            case .unreadable, nil: break
            }
            changes.append(
                ResourceChange(
                    address: record.address, provider: record.provider, action: .delete,
                    reason: request.mode == .destroy ? .destroyed : .removed, source: record.source, prior: prior,
                    parent: record.parent, dependsOn: record.dependsOn, moved: moves[record.address]))
        }
    }

    private func desiredIndex(_ address: ResourceAddress) -> Int? { request.desired.indices[address] }

    private func resolve(_ attributes: Attributes) -> Attributes {
        guard attributes.values.contains(where: \.containsUnknown) else { return attributes }
        return attributes.mapValues {
            $0.resolvingReferences { reference in
                desiredIndex(reference.address).flatMap { planned[$0][reference.attribute] } ?? .unknown
            }
        }
    }

    private mutating func append(
        _ declaration: ResourceDeclaration, _ action: Action, _ reason: ActionReason, _ source: SourceSpan,
        _ attributes: [AttributeChange], prior: Attributes
    ) {
        changes.append(
            ResourceChange(
                address: declaration.address, provider: declaration.provider, action: action, reason: reason,
                source: source, attributes: attributes, arguments: declaration.attributes, prior: prior,
                parent: declaration.parent, dependsOn: declaration.dependsOn, moved: moves[declaration.address]))
    }

    private mutating func finish(_ action: Action, _ reason: ActionReason, _ attributes: Attributes) {
        actions.append(action)
        reasons.append(reason)
        planned.append(attributes)
    }
}
