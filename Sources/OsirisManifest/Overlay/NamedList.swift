/// The lists of a cluster whose items have names; an overlay finds an item by its name.
enum NamedList: String {
    case functions
    case targets
    case alerts = "hub.alerts"

    /// One item, in the singular.
    var noun: String {
        switch self {
        case .functions: "function"
        case .targets: "target"
        case .alerts: "alert"
        }
    }

    var key: String { self == .alerts ? "url" : "name" }

    /// `demo/hello` of a function with a namespace, else its name; nil if that is not written.
    func name(of item: Node) -> String? {
        guard let name = item[key: key]?.plainText else { return nil }
        guard self == .functions, let namespace = item[key: "namespace"]?.plainText else { return name }
        return namespace + "/" + name
    }

    /// The items that a name means: a function's name without its namespace means those of all namespaces.
    func positions(of name: String, in items: [Node]) -> [Int] {
        let full = self == .functions && !name.contains("/") ? nil : name
        return items.indices.filter { index in
            guard let full else { return items[index][key: key]?.plainText == name }
            let own = self.name(of: items[index])
            return own == full || self == .functions && own.map { "default/" + $0 } == full
        }
    }
}

extension Node {
    /// What a scalar says as it is written.
    var plainText: String? { if case .scalar(let scalar) = content { scalar.text } else { nil } }
    var entries: [Entry] { if case .mapping(let entries) = content { entries } else { [] } }
    var items: [Node] { if case .sequence(let items) = content { items } else { [] } }
    var isMapping: Bool { if case .mapping = content { true } else { false } }
    var isSequence: Bool { if case .sequence = content { true } else { false } }

    /// The same node with one entry replaced or appended.
    func setting(_ key: String, to value: Node, keyPlace: Place) -> Node {
        var entries = entries
        let entry = Entry(key: key, keyPlace: keyPlace, value: value)
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
        return with(.mapping(entries))
    }

    func with(_ content: Content) -> Node {
        var node = self
        node.content = content
        return node
    }
}
