import OsirisDiagnostics
import OsirisModel

/// `spec.moved`: what can be seen without knowing the resources.
extension CrossChecks {
    /// - Parameter isWhole: false if a target or function has no name that could be compared.
    mutating func moved(_ entries: [Checked], targets: [String], functions: [String], isWhole: Bool) {
        var known: [(from: MovedSpec.Name, to: MovedSpec.Name, entry: Checked)] = []
        for entry in entries {
            guard let from = name(entry["from"]), let to = name(entry["to"]) else { continue }
            if from == to {
                fault("`\(from)` is moved to itself", at: entry["to"], help: "take the entry out")
            } else if from.kind != to.kind {
                fault(
                    "\(from.kind), `\(from)`, cannot become \(to.kind), `\(to)`", at: entry["to"],
                    help: "a target is written `rack-a`, a function `demo/hello`, a machine `rack-a/host.n1`")
            } else if let other = known.first(where: { $0.from == from }) {
                fault("`\(from)` is moved twice", at: entry["from"], help: "keep one of the two", other: other.entry)
            } else if let other = known.first(where: { $0.to == to }) {
                fault(
                    "`\(other.from)` and `\(from)` would both become `\(to)`", at: entry["to"],
                    help: "keep the one that is to go on under that name", other: other.entry)
            } else {
                known.append((from, to, entry))
            }
        }
        let next = Dictionary(known.map { ($0.from, $0.to) }) { first, _ in first }
        for (from, to, entry) in known {
            if Self.leadsBack(from, next) {
                fault(
                    "the moves of `\(from)` lead back to it", at: entry["from"],
                    help: "take out the entries that are done")
                continue
            }
            guard isWhole else { continue }
            let (noun, names): (String, [String])
            switch from {
            case .target: (noun, names) = ("target", targets)
            case .function: (noun, names) = ("function", functions)
            // Which resources there are, only the providers know.
            case .resource: continue
            }
            if names.contains(from.description) {
                fault(
                    "the \(noun) `\(from)` is still in the manifest", at: entry["from"],
                    help: "rename it to `\(to)`, or take the entry out")
            }
            if next[to] == nil, !names.contains(to.description) {
                let near = Suggestion.didYouMean(to.description, among: names)
                fault(
                    "there is no \(noun) `\(to)` in the manifest", at: entry["to"],
                    help: near.map { "did you mean `\($0)`?" }
                        ?? (noun == "function" && targets.contains(where: { to.description.hasPrefix($0 + "/") })
                            ? "a machine is written as its resource: `TARGET/host.NAME`"
                            : "rename the \(noun), or take the entry out"))
            }
        }
    }

    private mutating func name(_ part: Checked?) -> MovedSpec.Name? {
        guard let part, let text = part.text else { return nil }
        if let name = MovedSpec.Name(text) { return name }
        report(
            .invalidPattern, "\(text.ticked) names neither a target, nor a function, nor a resource", at: part.place,
            help: "write `rack-a` for a target, `demo/hello` for a function, `rack-a/host.n1` for a machine")
        return nil
    }

    private mutating func fault(_ message: String, at part: Checked?, help: String, other: Checked? = nil) {
        guard let part else { return }
        report(
            .movedEntry, message, at: part.place,
            notes: (other.map { [.init("the other one", at: $0.place.span(in: sources))] }) ?? [], help: help)
    }

    private static func leadsBack(_ from: MovedSpec.Name, _ next: [MovedSpec.Name: MovedSpec.Name]) -> Bool {
        var (present, steps) = (from, 0)
        while let further = next[present], steps <= next.count {
            if further == from { return true }
            (present, steps) = (further, steps + 1)
        }
        return false
    }
}
