import OsirisDiagnostics

/// Lays an overlay over the `spec` of its base. Every value keeps the place where it is written.
struct OverlayMerge {
    let sources: SourceSet
    var diagnostics: [Diagnostic] = []

    init(sources: SourceSet) { self.sources = sources }

    /// Mappings by key, named lists by name, all else replaced.
    mutating func patch(_ base: Node, with patch: Node, at path: String = "") -> Node {
        switch (base.content, patch.content) {
        case (_, .invalid): return base
        case (.mapping, .mapping(let entries)):
            var result = base
            for entry in entries {
                let inner = path.isEmpty ? entry.key : path + "." + entry.key
                guard let present = base[key: entry.key] else {
                    if refuseItems(of: entry.value, at: inner) { continue }
                    result = result.setting(entry.key, to: entry.value, keyPlace: entry.keyPlace)
                    continue
                }
                let merged = self.patch(present, with: entry.value, at: inner)
                let isWhole = !entry.value.isMapping && !(NamedList(rawValue: inner) != nil && entry.value.isSequence)
                let keyPlace = base.entries.first { $0.key == entry.key }?.keyPlace
                result = result.setting(
                    entry.key, to: merged, keyPlace: isWhole ? entry.keyPlace : keyPlace ?? entry.keyPlace)
            }
            return result
        case (.sequence(let items), .sequence(let patches)):
            guard let list = NamedList(rawValue: path) else { return patch }
            var result = items
            for patch in patches {
                guard let index = position(of: patch, in: items, list) else { continue }
                result[index] = self.patch(result[index], with: patch, at: path + "[]")
            }
            return base.with(.sequence(result))
        default: return patch
        }
    }

    /// What the base has not; lists are appended to.
    mutating func add(_ addition: Node, to base: Node, at path: String = "") -> Node {
        switch (base.content, addition.content) {
        case (_, .invalid): return base
        case (.mapping, .mapping(let entries)):
            var result = base
            for entry in entries {
                let inner = path.isEmpty ? entry.key : path + "." + entry.key
                guard let present = base.entries.first(where: { $0.key == entry.key }) else {
                    result = result.setting(entry.key, to: entry.value, keyPlace: entry.keyPlace)
                    continue
                }
                if present.value.isMapping && entry.value.isMapping
                    || present.value.isSequence && entry.value.isSequence
                {
                    let merged = add(entry.value, to: present.value, at: inner)
                    result = result.setting(entry.key, to: merged, keyPlace: present.keyPlace)
                } else {
                    report(
                        .overlayPatch, "the base has `spec.\(inner)` already", at: entry.keyPlace,
                        notes: [.init("it is here", at: present.keyPlace.span(in: sources))],
                        help: "to change it, move it to `spec.patch`")
                }
            }
            return result
        case (.sequence(let items), .sequence(let more)): return base.with(.sequence(items + more))
        default: return addition
        }
    }

    /// The item that a patch means; nil after a report.
    private mutating func position(of patch: Node, in items: [Node], _ list: NamedList) -> Int? {
        guard case .mapping = patch.content else {
            if case .invalid = patch.content { return nil }
            report(
                .wrongType, "a patch of a \(list.noun) must be a mapping, found \(patch.described)", at: patch.place,
                help: "write `\(list.key):` and what is changed")
            return nil
        }
        guard let name = list.name(of: patch) else {
            report(
                .missingKey, "a patch of a \(list.noun) needs its `\(list.key)`",
                at: patch.entries.first?.keyPlace ?? patch.place,
                help: "add `\(list.key):` of the \(list.noun) that is meant")
            return nil
        }
        let found = list.positions(of: name, in: items)
        if found.count == 1 { return found[0] }
        let place = patch[key: list.key]?.place ?? patch.place
        if found.isEmpty {
            unknown(name, in: items, list, at: place, "to add it, move it to `spec.add`")
        } else {
            let all = found.compactMap { index in
                (items[index][key: "namespace"]?.plainText).map { "`namespace: \($0)`" } ?? "`namespace: default`"
            }
            report(
                .overlayPatch, "the base has \(found.count) functions called \(name.ticked)", at: place,
                help: "say which one: \(all.joined(separator: " or "))")
        }
        return nil
    }

    mutating func unknown(_ name: String, in items: [Node], _ list: NamedList, at place: Place, _ otherwise: String) {
        let names = items.compactMap { list.name(of: $0) }
        // Without its namespace a name may be near as well.
        let short = items.compactMap { $0[key: list.key]?.plainText }
        let near = Suggestion.didYouMean(name, among: list == .functions && !name.contains("/") ? short : names)
        report(
            .overlayPatch, "the base has no \(list.noun) \(name.ticked)", at: place,
            help: near.map { "did you mean `\($0)`?" }
                ?? (names.isEmpty ? otherwise : "it has \(names.ticked()); \(otherwise)"))
    }

    /// A named list that the base has not cannot be patched.
    /// - Returns: true if the patch is one.
    private mutating func refuseItems(of patch: Node, at path: String) -> Bool {
        guard let list = NamedList(rawValue: path), patch.isSequence else {
            var refused = false
            for entry in patch.entries where path == "hub" {
                refused = refuseItems(of: entry.value, at: path + "." + entry.key) || refused
            }
            return refused
        }
        for item in patch.items {
            guard let name = list.name(of: item) else { continue }
            unknown(name, in: [], list, at: item[key: list.key]?.place ?? item.place, "move it to `spec.add`")
        }
        return true
    }

    mutating func report(
        _ code: DiagnosticCode, _ message: String, at place: Place, notes: [Diagnostic.Note] = [], help: String? = nil
    ) {
        diagnostics.append(
            Diagnostic(.error, code, message, at: place.span(in: sources), notes: notes, help: help))
    }
}
