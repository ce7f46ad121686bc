import OsirisModel
import OsirisPlanner

/// Graphs as text for Graphviz (https://graphviz.org/doc/info/lang.html) and Mermaid (https://mermaid.js.org).
///
/// An arrow points from what comes first to what comes after it.
public enum GraphRender {
    /// The operations of a plan in DOT.
    public static func dot(_ plan: Plan) -> String { dot(drawing(plan), name: "operations") }

    /// The operations of a plan as a Mermaid flowchart.
    public static func mermaid(_ plan: Plan) -> String { mermaid(drawing(plan)) }

    /// Resources in DOT; what lives on another thing is joined to it by a thick line.
    public static func dot(_ nodes: [GraphNode]) -> String { dot(drawing(nodes), name: "resources") }

    /// Resources as a Mermaid flowchart.
    public static func mermaid(_ nodes: [GraphNode]) -> String { mermaid(drawing(nodes)) }

    /// Resources for programs: `nodes`, each with `address`, `parent` (null for one that lives on nothing) and `needs`.
    public static func json(_ nodes: [GraphNode]) -> Value {
        let nodes = nodes.map { node in
            Value.map([
                "address": .string(node.address.text), "parent": node.parent.map { .string($0.text) } ?? .null,
                "needs": .list(node.needs.map { .string($0.text) }),
            ])
        }
        return ["nodes": .list(nodes)]
    }

    private struct Drawing {
        var labels: [String] = []
        var actions: [Action] = []
        var edges: [(from: Int, to: Int, strong: Bool)] = []
    }

    private static func drawing(_ plan: Plan) -> Drawing {
        var drawing = Drawing()
        for (index, operation) in plan.operations.enumerated() {
            let change = plan.changes[operation.change]
            drawing.labels.append("\(operation.kind.rawValue) \(change.address)")
            drawing.actions.append(change.action)
            for need in Set(operation.needs).sorted() { drawing.edges.append((need, index, false)) }
        }
        return drawing
    }

    private static func drawing(_ nodes: [GraphNode]) -> Drawing {
        var drawing = Drawing()
        var indices: [ResourceAddress: Int] = [:]
        for node in nodes where indices[node.address] == nil {
            indices[node.address] = drawing.labels.count
            drawing.labels.append(node.address.text)
            drawing.actions.append(node.action)
        }
        func index(_ address: ResourceAddress) -> Int {
            if let known = indices[address] { return known }
            indices[address] = drawing.labels.count
            drawing.labels.append(address.text)
            drawing.actions.append(.noop)
            return drawing.labels.count - 1
        }
        for node in nodes {
            let to = index(node.address)
            if let parent = node.parent { drawing.edges.append((index(parent), to, true)) }
            var seen = Set([node.parent].compactMap(\.self))
            for need in node.needs where seen.insert(need).inserted {
                drawing.edges.append((index(need), to, false))
            }
        }
        return drawing
    }

    private static func dot(_ drawing: Drawing, name: String) -> String {
        var text = "digraph \(name) {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
        for (index, label) in drawing.labels.enumerated() {
            let escaped = PrintableText.escaped(label).reduce(into: "") { result, character in
                if character == "\"" || character == "\\" { result += "\\" }
                result.append(character)
            }
            text +=
                "  n\(index) [label=\"\(escaped)\"\(color(drawing.actions[index]).map { ", color=\"\($0)\"" } ?? "")];\n"
        }
        for edge in drawing.edges { text += "  n\(edge.from) -> n\(edge.to)\(edge.strong ? " [penwidth=2]" : "");\n" }
        return text + "}\n"
    }

    private static func mermaid(_ drawing: Drawing) -> String {
        var text = "flowchart LR\n"
        for (index, label) in drawing.labels.enumerated() {
            let escaped = PrintableText.escaped(label).reduce(into: "") { result, character in
                // Mermaid's own entities: `#` and a decimal number.
                if "\"#<>&`\\".contains(character), let scalar = character.unicodeScalars.first {
                    result += "#\(scalar.value);"
                } else {
                    result.append(character)
                }
            }
            text += "  n\(index)[\"\(escaped)\"]\n"
        }
        for edge in drawing.edges { text += "  n\(edge.from) \(edge.strong ? "==>" : "-->") n\(edge.to)\n" }
        for (index, action) in drawing.actions.enumerated() {
            if let color = color(action) { text += "  style n\(index) stroke:\(color)\n" }
        }
        return text
    }

    private static func color(_ action: Action) -> String? {
        switch action {
        case .create: "#2e7d32"
        case .update: "#f9a825"
        case .replace, .delete: "#c62828"
        case .move: "#0277bd"
        case .noop: nil
        }
    }
}
