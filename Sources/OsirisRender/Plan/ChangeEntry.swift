import OsirisDiagnostics
import OsirisModel
import OsirisPlanner

/// What is shown as one entry of a plan: a change, or many alike changes folded.
struct ChangeEntry {
    /// The folded changes, or the only one; never empty.
    var changes: [ResourceChange]
    /// What they have in common, for an update or a replacement.
    var attributes: [AttributeChange]

    var isFolded: Bool { changes.count > 1 }

    /// Changes of one action as entries, in their order; more than `limit` alike ones become one entry.
    static func entries(of changes: [ResourceChange], foldingOver limit: Int?) -> [ChangeEntry] {
        guard let limit, changes.count > limit else {
            return changes.map { ChangeEntry(changes: [$0], attributes: $0.attributes) }
        }
        let keys = changes.map(FoldKey.init)
        var members: [FoldKey: [ResourceChange]] = [:]
        for (key, change) in zip(keys, changes) { members[key, default: []].append(change) }
        var entries: [ChangeEntry] = []
        var shown = Set<FoldKey>()
        for (key, change) in zip(keys, changes) {
            if members[key]!.count <= limit {
                entries.append(ChangeEntry(changes: [change], attributes: change.attributes))
            } else if shown.insert(key).inserted {
                entries.append(ChangeEntry(changes: members[key]!, attributes: key.attributes))
            }
        }
        return entries
    }

    /// Why, in the words of all of them.
    var reason: String {
        let first = changes[0].reason.text
        // Reasons of one kind differ only where they name something.
        return changes.allSatisfy { $0.reason.text == first } ? first : changes[0].reason.kind
    }

    /// That it gets another name before what the action says is done; nil if the action says it already.
    var rename: String? {
        guard let move = changes[0].moved, changes[0].action != .move else { return nil }
        let place = move.source.map { " at " + $0.fileAndLine } ?? ""
        if isFolded { return "after each is renamed\(place)" }
        return "after it is renamed: it was \(PrintableText.escaped(move.from.text))\(place)"
    }

    /// `cluster.yaml:12`, or the first of several places and how many more there are.
    var place: String? {
        var places: [String] = []
        var last: SourceSpan?
        var seen = Set<String>()
        for case let source? in changes.lazy.map(\.source) where source != last {
            last = source
            let place = source.fileAndLine
            if seen.insert(place).inserted { places.append(place) }
        }
        guard let first = places.first else { return nil }
        switch places.count {
        case 1: return first
        case 2: return "\(first) and \(places[1])"
        default: return "\(first) and \((places.count - 1).grouped) more places"
        }
    }
}

/// What changes must have in common to be shown as one.
private struct FoldKey: Hashable {
    let group: String
    let reason: String
    let attributes: [AttributeChange]
    let isMoved: Bool

    init(_ change: ResourceChange) {
        group = change.address.group
        reason = change.reason.kind
        isMoved = change.moved != nil
        switch change.action {
        case .update, .replace:
            attributes = change.attributes.map { attribute in
                guard attribute.after?.containsUnknown == true else { return attribute }
                // Two addresses that both become unknown are alike whatever they were.
                return AttributeChange(
                    path: attribute.path, before: nil, after: .unknown,
                    forcesReplacement: attribute.forcesReplacement)
            }
        case .create, .delete, .noop, .move: attributes = []
        }
    }
}

extension ResourceAddress {
    /// Target and type: `fleet/function`. Works on bytes, because a plan may have many thousands.
    var group: String {
        let bytes = text.utf8
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")),
            let dot = bytes[slash...].firstIndex(of: UInt8(ascii: "."))
        else { return text }
        return String(text[..<dot])
    }
}

extension SourceSpan {
    /// `cluster.yaml:12`, harmless to print.
    var fileAndLine: String { "\(PrintableText.escaped(file)):\(start.line)" }
}
