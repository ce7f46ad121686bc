import OsirisModel

/// Compares attributes by schema: the one place where "equal" is decided.
public struct AttributeDiff: Sendable {
    private let schema: Schema

    public init(_ schema: Schema) { self.schema = schema }

    /// Differences in arguments between what exists and what is wanted, sorted by path.
    public func arguments(before: Attributes, after: Attributes) -> [AttributeChange] {
        differences(before: withDefaults(before), after: after) { $0.role == .argument && !$0.onlyWhenMade }
    }

    /// Differences an outsider made, in arguments and lasting computed attributes, sorted by path.
    public func drift(recorded: Attributes, actual: Attributes) -> [AttributeChange] {
        differences(before: withDefaults(recorded), after: actual) { !$0.volatile }
    }

    /// What a create shows: every argument, and each computed attribute as unknown.
    public func created(_ arguments: Attributes) -> [AttributeChange] {
        var planned = arguments
        for field in computed(with: arguments) { planned[field.name] = .unknown }
        return differences(before: [:], after: planned) { _ in true }.map { change in
            var change = change
            // Nothing is replaced by making what was not there.
            change.forcesReplacement = false
            return change
        }
    }

    /// What a replacement shows: differing arguments, and each computed attribute from its old value to unknown.
    public func replaced(prior: Attributes, arguments: Attributes) -> [AttributeChange] {
        var changes = self.arguments(before: prior, after: arguments)
        for field in computed(with: arguments) {
            changes.append(AttributeChange(path: field.name, before: prior[field.name], after: .unknown))
        }
        return changes.sorted { $0.path < $1.path }
    }

    private func computed(with arguments: Attributes) -> [Field] {
        schema.fields.filter { field in
            field.role == .computed && (field.presentWith.map { arguments[$0] != nil } ?? true)
        }
    }

    /// The attributes with the default of each argument that is absent: leaving it out and writing it are the same.
    public func withDefaults(_ attributes: Attributes) -> Attributes {
        var filled = attributes
        for field in schema.fields where field.role == .argument && filled[field.name] == nil {
            if let value = field.defaultValue { filled[field.name] = value }
        }
        return filled
    }

    /// What an object keeps although another value is wanted by now; see `Field.keeps`.
    func kept(of actual: Attributes, instead wanted: Attributes) -> Attributes {
        var kept: Attributes = [:]
        for field in schema.fields {
            guard let keeps = field.keeps, let old = actual[field.name], let new = wanted[field.name], old != new,
                keeps(old, new)
            else { continue }
            kept[field.name] = old
        }
        return kept
    }

    /// Computed attributes that an update of these paths may change.
    /// - Parameter renewed: names of computed attributes that are updated for their expiry.
    public func unknownAfterUpdate(
        of changed: [AttributeChange], renewed: [String] = [], prior: Attributes
    ) -> [AttributeChange] {
        let cause = Set(changed.map { String($0.path.prefix { $0 != "." }) }).union(renewed)
        return schema.fields.filter { field in
            field.role == .computed
                && (renewed.contains(field.name) || field.changesWith.contains { $0 == "*" || cause.contains($0) })
        }
        .map { AttributeChange(path: $0.name, before: prior[$0.name], after: .unknown) }
    }

    private func differences(
        before: Attributes, after: Attributes, where included: (Field) -> Bool
    ) -> [AttributeChange] {
        var changes: [AttributeChange] = []
        for field in schema.fields where included(field) {
            let (old, new) = (before[field.name], after[field.name] ?? field.defaultValue)
            // Nearly always: nothing has to be brought into one form.
            if old != new { Self.append(&changes, field.name, old, new, field, field.forcesReplacement) }
        }
        return changes.count > 1 ? changes.sorted { $0.path < $1.path } : changes
    }

    /// Goes into mappings, so that a change names `env.GREETING` and not all of `env`.
    private static func append(
        _ changes: inout [AttributeChange], _ path: String, _ old: Value?, _ new: Value?, _ field: Field?,
        _ forces: Bool
    ) {
        // What is shown are the values as they were written; what is compared is their one form.
        if let field, old.map(field.canonical) == new.map(field.canonical) { return }
        let (before, after) = (old?.mapValue, new?.mapValue)
        guard (before != nil || old == nil) && (after != nil || new == nil), (before ?? after)?.isEmpty == false else {
            changes.append(AttributeChange(path: path, before: old, after: new, forcesReplacement: forces))
            return
        }
        for key in Set((before ?? [:]).keys).union((after ?? [:]).keys) {
            let child = field?.type.child(key)
            // A service's own addition.
            if case .object? = field?.type, child == nil { continue }
            let (left, right) = (before?[key] ?? child?.defaultValue, after?[key] ?? child?.defaultValue)
            if left != right { append(&changes, "\(path).\(key)", left, right, child, forces) }
        }
    }
}
