import OsirisDiagnostics

/// A path in `spec.remove`: keys with dots between, items of lists by name in brackets, as in
/// `functions[demo/hello].env.GREETING`.
struct RemovalPath {
    enum Step: Equatable {
        case key(String)
        case item(String)
    }

    var steps: [Step]

    /// Nil if the text is no path.
    init?(_ text: String) {
        var steps: [Step] = []
        var rest = text[...]
        while !rest.isEmpty {
            if rest.first == "[" {
                guard !steps.isEmpty, let close = rest.firstIndex(of: "]") else { return nil }
                let name = rest[..<close].dropFirst()
                guard !name.isEmpty else { return nil }
                steps.append(.item(String(name)))
                rest = rest[close...].dropFirst()
            } else {
                if !steps.isEmpty {
                    guard rest.first == "." else { return nil }
                    rest = rest.dropFirst()
                }
                let key = rest.prefix { $0 != "." && $0 != "[" }
                guard !key.isEmpty, !key.contains("]") else { return nil }
                steps.append(.key(String(key)))
                rest = rest.dropFirst(key.count)
            }
        }
        guard !steps.isEmpty else { return nil }
        self.steps = steps
    }
}

extension OverlayMerge {
    /// The base without what `text` names.
    mutating func remove(_ text: String, at place: Place, from base: Node) -> Node {
        guard let path = RemovalPath(text) else {
            report(
                .invalidPattern, "\(text.ticked) is not a path", at: place,
                help: "write keys with dots between and names in brackets: `functions[demo/hello].env.GREETING`")
            return base
        }
        return remove(path.steps[...], from: base, at: "", place) ?? base
    }

    /// - Returns: nil if the node itself goes.
    private mutating func remove(
        _ steps: ArraySlice<RemovalPath.Step>, from node: Node, at path: String, _ place: Place
    )
        -> Node?
    {
        guard let step = steps.first else { return nil }
        let rest = steps.dropFirst()
        switch step {
        case .key(let key):
            var entries = node.entries
            guard let index = entries.firstIndex(where: { $0.key == key }) else {
                let keys = entries.map(\.key)
                let near = Suggestion.didYouMean(key, among: keys).map {
                    "did you mean `\(path.isEmpty ? $0 : path + "." + $0)`?"
                }
                report(
                    .overlayPatch, "the base has no `\(path.isEmpty ? "spec" : path).\(key)`", at: place,
                    help: near ?? (keys.isEmpty ? nil : "it has \(keys.ticked())"))
                return node
            }
            let inner = path.isEmpty ? key : path + "." + key
            if let left = remove(rest, from: entries[index].value, at: inner, place) {
                entries[index].value = left
            } else {
                entries.remove(at: index)
            }
            return node.with(.mapping(entries))
        case .item(let name):
            var items = node.items
            let list = NamedList(rawValue: path)
            let found =
                list?.positions(of: name, in: items) ?? items.indices.filter { items[$0].plainText == name }
            guard found.count == 1 else {
                if found.count > 1 {
                    report(
                        .overlayPatch, "the base has \(found.count) items called \(name.ticked) in `\(path)`",
                        at: place,
                        help: "name the namespace too: `\(path)[NAMESPACE/\(name)]`")
                } else if let list {
                    unknown(name, in: items, list, at: place, "remove this item")
                } else {
                    let near = Suggestion.didYouMean(name, among: items.compactMap(\.plainText))
                    report(
                        .overlayPatch, "the base has no \(name.ticked) in `\(path)`", at: place,
                        help: near.map { "did you mean `\($0)`?" })
                }
                return node
            }
            if let left = remove(rest, from: items[found[0]], at: path + "[\(name)]", place) {
                items[found[0]] = left
            } else {
                items.remove(at: found[0])
            }
            return node.with(.sequence(items))
        }
    }
}
