import OsirisDiagnostics

/// Reads a file into document trees: anchors and merge keys expanded, duplicate keys refused, size bounded.
struct YAMLReader: ~Copyable {
    /// Nodes of all documents of a file, as they are written.
    static let nodeLimit = 5_000_000
    /// Nodes that aliases and merge keys add to them.
    static let aliasLimit = 1_000_000
    static let depthLimit = 100

    private let file: SourceFile
    private var events: YAMLEvents
    private var anchors: [String: Node] = [:]
    private var openAnchors: Set<String> = []
    private var nodeCount = 0
    private var aliasCount = 0
    private var diagnostics: [Diagnostic] = []

    private enum Failure: Error {
        case yaml(YAMLProblem)
        case limit(Diagnostic)
    }

    /// The documents that could be read whole; empty documents are left out.
    static func read(_ file: SourceFile) -> (documents: [YAMLDocument], diagnostics: [Diagnostic]) {
        var reader = YAMLReader(file: file, events: YAMLEvents(file.bytes, file: file.index))
        var documents: [YAMLDocument] = []
        do throws(Failure) {
            while let root = try reader.nextDocument() {
                if case .scalar(let scalar) = root.content, scalar.resolved == .null { continue }
                documents.append(YAMLDocument(file: file, root: root))
            }
        } catch {
            switch error {
            case .yaml(let problem): reader.diagnostics.append(problem.diagnostic(in: file))
            case .limit(let diagnostic): reader.diagnostics.append(diagnostic)
            }
        }
        return (documents, reader.diagnostics)
    }

    private init(file: SourceFile, events: consuming YAMLEvents) {
        self.file = file
        self.events = events
    }

    private mutating func next() throws(Failure) -> YAMLEvent {
        do throws(YAMLProblem) { return try events.next() } catch { throw .yaml(error) }
    }

    private mutating func nextDocument() throws(Failure) -> Node? {
        while true {
            switch try next().kind {
            case .streamEnd: return nil
            case .documentStart:
                anchors = [:]
                let root = try node(next(), depth: 1)
                _ = try next()  // The end of the document.
                return root
            default: continue
            }
        }
    }

    private mutating func node(_ event: YAMLEvent, depth: Int) throws(Failure) -> Node {
        if case .alias(let name) = event.kind { return try alias(name, at: event.place) }
        try countNode(at: event.place)
        if depth > Self.depthLimit {
            throw .limit(
                report(
                    .documentTooComplex, "more than \(Self.depthLimit) levels of nesting", at: event.place,
                    help: "a manifest needs about ten; look for a bracket that is not closed"))
        }
        if let anchor = event.anchor { openAnchors.insert(anchor) }
        var node: Node
        switch event.kind {
        case .sequenceStart(let isFlow): node = try sequence(event, isFlow, depth)
        case .mappingStart(let isFlow): node = try mapping(event, isFlow, depth)
        case .scalar(let text, let style): node = scalar(event, text, style)
        default: node = Node(content: .invalid, place: event.place)
        }
        if let anchor = event.anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = node
        }
        return node
    }

    private mutating func scalar(_ event: YAMLEvent, _ text: String, _ style: Node.Scalar.Style) -> Node {
        var kind: CoreSchema.Kind?
        if let tag = event.tag {
            kind = Self.kinds[tag]
            if kind == nil { unsupported(tag, at: event.place) }
        }
        return Node(content: .scalar(Node.Scalar(text: text, style: style, kind: kind)), place: event.place)
    }

    private mutating func sequence(_ event: YAMLEvent, _ isFlow: Bool, _ depth: Int) throws(Failure) -> Node {
        if let tag = event.tag, tag != "tag:yaml.org,2002:seq", tag != "!" { unsupported(tag, at: event.place) }
        var items: [Node] = []
        var weight = 1
        while true {
            let next = try next()
            if case .sequenceEnd = next.kind {
                let end = isFlow ? next.place : items.last?.place ?? event.place
                return Node(content: .sequence(items), place: event.place.through(end), weight: weight)
            }
            let item = try node(next, depth: depth + 1)
            weight += item.weight
            items.append(item)
        }
    }

    private mutating func mapping(_ event: YAMLEvent, _ isFlow: Bool, _ depth: Int) throws(Failure) -> Node {
        if let tag = event.tag, tag != "tag:yaml.org,2002:map", tag != "!" { unsupported(tag, at: event.place) }
        var builder = MappingBuilder()
        var last = event.place
        var weight = 1
        while true {
            let next = try next()
            if case .mappingEnd = next.kind {
                let end = isFlow ? next.place : last
                let place = event.place.through(end)
                return Node(content: .mapping(builder.finished()), place: place, weight: weight + builder.mergedWeight)
            }
            let key = try node(next, depth: depth + 1)
            let value = try node(self.next(), depth: depth + 1)
            weight += 1 + value.weight
            last = value.place
            // An absent value has no place of its own beyond the key's colon.
            if last.line == last.endLine, last.column == last.endColumn { last = key.place.through(last) }
            let mergedBefore = builder.mergedWeight
            diagnostics += builder.add(key, value, in: file)
            try count(builder.mergedWeight - mergedBefore, at: key.place)
        }
    }

    private mutating func alias(_ name: String, at place: Place) throws(Failure) -> Node {
        guard var node = anchors[name], !openAnchors.contains(name) else {
            let inside = openAnchors.contains(name)
            diagnostics.append(
                report(
                    .undefinedAlias,
                    inside
                        ? "the alias `*\(name)` stands inside its own anchor" : "the anchor `&\(name)` is not defined",
                    at: place,
                    help: inside
                        ? nil
                        : Suggestion.didYouMean(name, among: anchors.keys.sorted()).map { "did you mean `*\($0)`?" }
                            ?? "define it earlier in the same document: `key: &\(name) value`"))
            return Node(content: .invalid, place: place)
        }
        try count(node.weight, at: place)
        node.writtenAt = node.writtenAt ?? node.place
        node.place = place
        return node
    }

    private mutating func count(_ nodes: Int, at place: Place) throws(Failure) {
        aliasCount += nodes
        if aliasCount > Self.aliasLimit {
            throw .limit(
                report(
                    .documentTooComplex, "aliases stand for more than \(Self.aliasLimit) values", at: place,
                    help: "aliases of aliases multiply; write fewer of them"))
        }
    }

    private mutating func countNode(at place: Place) throws(Failure) {
        nodeCount += 1
        if nodeCount > Self.nodeLimit {
            throw .limit(
                report(
                    .documentTooComplex, "more than \(Self.nodeLimit) keys and values in one file", at: place,
                    help: "split it into several files, or describe fewer things"))
        }
    }

    private mutating func unsupported(_ tag: String, at place: Place) {
        diagnostics.append(
            report(.yamlSyntax, "the tag `\(tag)` is not supported", at: place, help: "remove the tag"))
    }

    private func report(_ code: DiagnosticCode, _ message: String, at place: Place, help: String? = nil) -> Diagnostic {
        Diagnostic(.error, code, message, at: place.span(in: file.name), help: help)
    }

    private static let kinds: [String: CoreSchema.Kind] = [
        "tag:yaml.org,2002:null": .null, "tag:yaml.org,2002:bool": .bool, "tag:yaml.org,2002:int": .int,
        "tag:yaml.org,2002:float": .float, "tag:yaml.org,2002:str": .string, "!": .string,
    ]
}
