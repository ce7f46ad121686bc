import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisProviderKit
import OsirisState

/// What a rebuild did.
struct RebuildReport {
    let draft: RebuildDraft
    /// Path of the state.
    let state: String
    /// False if something was left out.
    let isWhole: Bool
    /// Where the damaged state is now; nil if it was not damaged.
    var aside: String?

    var text: String {
        var text = aside.map { "The damaged state is kept as \($0).\n" } ?? ""
        guard !draft.records.isEmpty else {
            let next =
                isWhole
                ? "Nothing that exists carries this cluster's marks; `osiris plan` shows what the manifest wants."
                : "What is named above may exist: mend it before you apply, and run `osiris state rebuild` again."
            return text + "Nothing was recorded. \(next)\n"
        }
        text += "Recorded \(RebuildText.counted(draft.records.count)) in \(state). "
        text +=
            isWhole
            ? "`osiris plan` shows how they differ from the manifest.\n"
            : "What is named above is missing in it; mend it and run `osiris state rebuild` again.\n"
        return text
    }

    /// One object on one line.
    var json: String {
        let value: Value = [
            "state": .string(state), "damaged": aside.map(Value.string) ?? .null, "complete": .bool(isWhole),
            "lineage": draft.lineage.map(Value.string) ?? .null,
            "recorded": .list(
                draft.records.map { record in
                    [
                        "address": .string(record.address.text), "provider": .string(record.provider),
                        "place": .string(draft.places[record.address] ?? ""),
                        "incomplete": record.incomplete.map(Value.string) ?? .null,
                    ]
                }),
        ]
        return value.jsonText + "\n"
    }
}

/// The words of a rebuild.
enum RebuildText {
    static func counted(_ count: Int) -> String { "\(count) resource\(count == 1 ? "" : "s")" }

    static func condition(_ condition: StateCondition, _ path: String) -> String {
        switch condition {
        case .missing: "There is no state \(path)."
        case .damaged(let reason): reason.prefix(1).uppercased() + reason.dropFirst() + "."
        case .fillable(_, resources: 0): "The state \(path) has no resources."
        case .fillable(_, let count): "The state \(path) has \(counted(count)) of a rebuild that did not end."
        case .filled(let count): "The state \(path) has \(counted(count))."
        }
    }

    /// Of the table of what was found. A fleet is cut short: `--json` has it all.
    static func rows(_ draft: RebuildDraft) -> [[String]] {
        let shown = draft.records.prefix(50).map { record in
            [record.address.text, "\(record.type) (\(record.provider))", draft.places[record.address] ?? ""]
        }
        let more = draft.records.count - shown.count
        return more == 0 ? shown : shown + [["… and \(more) more", "", ""]]
    }

    /// `Found 500 resources: 100 engine, 100 function, …`.
    static func found(_ draft: RebuildDraft) -> String {
        let byType = Dictionary(grouping: draft.records, by: \.type).sorted { $0.key < $1.key }
        return "Found \(counted(draft.records.count)): "
            + byType.map { "\($0.value.count) \($0.key)" }.joined(separator: ", ") + "."
    }

    static func filled(_ path: String, _ count: Int) -> Diagnostic {
        Diagnostic(
            .stateNotEmpty, "the state \(path) is healthy and has \(counted(count))",
            help: """
                `osiris plan` shows how what exists differs; if this state does not know all that exists (an older backup, \
                an apply after the state was lost), move it away or name another place with --state, and rebuild
                """)
    }

    static func unreadable(_ place: UnreadablePlace, isTolerated: Bool) -> Diagnostic {
        let way = "or record the rest with --partial: what is missing then, the next plan takes for not there"
        return Diagnostic(
            isTolerated ? .warning : .error, .placeUnreadable, "\(place.place) cannot be searched: \(place.reason)",
            help: isTolerated ? place.help : [place.help ?? "mend the cause", way].joined(separator: "; "))
    }

    static func incomplete(_ draft: RebuildDraft) -> [Diagnostic] {
        draft.records.compactMap { record in
            record.incomplete.map {
                Diagnostic(
                    .warning, .placeUnreadable, "`\(record.address)`: \($0)", address: record.address.text,
                    help: """
                        if you have the right key, put it back before you record this; without it the next apply gives \
                        the hub a new token and deploys the manifest's functions to it again
                        """)
            }
        }
    }
}
