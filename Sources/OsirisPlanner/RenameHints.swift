import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit

/// What goes and comes again under another name and differs in nothing else: most likely somebody renamed it in the manifest
/// and does not know `moved`. Only a hint. Pure.
struct RenameHints {
    private let registry: ProviderRegistry
    /// Roots, such as machines, that somebody took out of the manifest, and those that are new in it.
    private let gone: [ResourceChange]
    private let new: [ResourceChange]

    /// - Parameter isThere: whether an object is still there to be renamed.
    init(_ changes: [ResourceChange], _ registry: ProviderRegistry, isThere: (ResourceAddress) -> Bool) {
        self.registry = registry
        func roots(_ isWanted: (ResourceChange) -> Bool) -> [ResourceChange] {
            let wanted = changes.filter { $0.moved == nil && $0.address.type != "function" && isWanted($0) }
            let addresses = Set(wanted.map(\.address))
            return wanted.filter { change in change.parent.map { !addresses.contains($0) } ?? true }
        }
        gone = roots { change in
            if case .removed = change.reason { change.action == .delete && isThere(change.address) } else { false }
        }
        new = roots { change in if case .added = change.reason { change.action == .create } else { false } }
    }

    /// Nil if there is none.
    /// - Parameters:
    ///   - present: targets in the manifest.
    ///   - recorded: targets in the state.
    func diagnostic(present: Set<Substring>, recorded: Set<Substring>) -> Diagnostic? {
        if gone.isEmpty || new.isEmpty { return nil }
        let targets = pairs(
            Dictionary(grouping: gone.filter { !present.contains($0.address.target) }, by: \.address.target),
            Dictionary(grouping: new.filter { !recorded.contains($0.address.target) }, by: \.address.target),
            areAlike: areAlike)
        let (left, entered) = (Set(targets.map(\.from)), Set(targets.map(\.to)))
        var entries = targets.map { (String($0.from), String($0.to), new: $0.new[0]) }
        let rest = (
            gone.filter { !left.contains($0.address.target) }, new.filter { !entered.contains($0.address.target) }
        )
        let machines = pairs(
            Dictionary(uniqueKeysWithValues: rest.0.map { ($0.address, [$0]) }),
            Dictionary(uniqueKeysWithValues: rest.1.map { ($0.address, [$0]) })
        ) { $0[0].address.target == $1[0].address.target && isAlike($0[0], $1[0]) }
        entries += machines.map { ($0.from.text, $0.to.text, new: $0.new[0]) }
        guard let (from, to, first) = entries.first else { return nil }
        return Diagnostic(
            .warning, .looksRenamed,
            entries.count == 1
                ? "`\(from)` goes and `\(to)` comes, and they differ in nothing but the name"
                : "\(entries.count) things go and come again, and differ in nothing but the name", at: first.source,
            address: first.address.text,
            notes: entries.prefix(Self.mostShown).map { .init("- {from: \($0.0), to: \($0.1)}") },
            help: "if they are renamed, add "
                + (entries.count > Self.mostShown ? "entries like these" : entries.count == 1 ? "this" : "these")
                + " to `spec.moved`: nothing is deleted and made anew then")
    }

    private static let mostShown = 10
    /// Comparisons that are worth a hint.
    private static let mostCompared = 10_000

    /// Those of the old and the new that are alike, where each is like one other alone.
    private func pairs<Name: Hashable & Comparable>(
        _ gone: [Name: [ResourceChange]], _ new: [Name: [ResourceChange]],
        areAlike: ([ResourceChange], [ResourceChange]) -> Bool
    ) -> [(from: Name, to: Name, new: [ResourceChange])] {
        guard gone.count * new.count <= Self.mostCompared else { return [] }
        let alike = gone.keys.sorted().flatMap { from in
            new.keys.sorted().filter { areAlike(gone[from]!, new[$0]!) }.map { (from: from, to: $0) }
        }
        let (froms, tos) = (
            Dictionary(grouping: alike, by: \.from), Dictionary(grouping: alike, by: \.to)
        )
        return alike.filter { froms[$0.from]!.count == 1 && tos[$0.to]!.count == 1 }.map {
            ($0.from, $0.to, new[$0.to]!)
        }
    }

    /// Whether two targets have the same in them.
    private func areAlike(_ old: [ResourceChange], _ new: [ResourceChange]) -> Bool {
        guard old.count == new.count else { return false }
        func place(_ change: ResourceChange) -> String {
            "\(change.address.type) \(renamed(change.address.name, change.address.target, "*"))"
        }
        let others = Dictionary(new.map { (place($0), $0) }) { first, _ in first }
        return old.allSatisfy { change in others[place(change)].map { isAlike(change, $0) } ?? false }
    }

    /// Whether an object could be what is wanted if it had its name.
    private func isAlike(_ old: ResourceChange, _ new: ResourceChange) -> Bool {
        guard old.provider == new.provider, old.address.type == new.address.type,
            let type = registry.handler(provider: new.provider, type: new.address.type)?.type
        else { return false }
        return AttributeDiff(type.schema).arguments(before: old.prior, after: new.arguments).allSatisfy { change in
            guard let before = change.before, let after = change.after else { return false }
            if after.containsUnknown { return true }
            let machine = replacing(
                before, MovedNames.machine(old.address.name), by: MovedNames.machine(new.address.name))
            return machine == after || replacing(machine, old.address.target, by: new.address.target) == after
        }
    }

    private func renamed(_ name: Substring, _ target: Substring, _ other: String) -> String {
        MovedNames.machine(name) == target ? other + name.dropFirst(target.count) : String(name)
    }

    private func replacing(_ value: Value, _ name: Substring, by other: Substring) -> Value {
        switch value {
        case .string(let text): .string(text.replacing(name, with: other))
        case .list(let items): .list(items.map { replacing($0, name, by: other) })
        case .map(let entries): .map(entries.mapValues { replacing($0, name, by: other) })
        default: value
        }
    }
}
