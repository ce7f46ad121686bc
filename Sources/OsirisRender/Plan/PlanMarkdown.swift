import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisPlanner

/// A plan as a comment on a pull request: the sum first, then each change in a section that opens on a click.
///
/// Never longer than GitHub's limit; what does not fit is counted. All foreign text stands in code, where it can
/// neither mention people nor become markup.
public enum PlanMarkdown {
    /// GitHub's limit in characters; bytes are counted, which are never fewer.
    public static let limit = 65_536
    // For the closing tags and the line that says how much is missing.
    private static let reserve = 400
    private static let style = TextStyle(width: 100)

    /// - Parameter linkBase: the address that a file's path is put behind to link to its line, such as
    ///   `https://github.com/acme/racks/blob/<commit>/`; nil for no links.
    public static func render(_ plan: Plan, linkBase: String? = nil) -> String {
        var text = "\(marker(plan))\n### osiris plan for \(code(plan.cluster))\n\n**\(PlanText.summary(plan))**\n"
        for sentence in PlanText.meanwhile(plan) { text += "\n\(PrintableText.escaped(sentence))\n" }
        if !plan.refusals.isEmpty { text += "\n:no_entry: Apply refuses this plan.\n" }
        let faults = plan.refusals + plan.faults.sortedForDisplay()
        section("Warnings and refusals", faults, open: true, upTo: limit / 4, in: &text) { fault in
            fenced(DiagnosticText.render(fault, style: style))
        }
        let drift = DriftText(style: style, verbosity: .normal).blocks(plan)
        section(
            "Changed outside osiris since the last apply, recorded → actual", drift, open: true, upTo: limit / 2,
            in: &text
        ) {
            fenced($0)
        }
        let placed = plan.changesAtCause
        let writer = ChangeText(style: style, verbosity: .normal, chains: CauseChains(plan))
        for action in Action.byRisk {
            let changes = placed.filter { $0.action == action }
            let entries = ChangeEntry.entries(of: changes, foldingOver: PlanText.foldLimit)
            section(
                "\(changes.count.grouped) to \(action.verb)", entries,
                open: action == .replace || action == .delete,
                upTo: limit, in: &text
            ) { entry in
                var block = ""
                writer.append(entry, to: &block)
                return fenced(block) + link(entry, linkBase)
            }
        }
        return text
    }

    /// Invisible in a comment and the same for every plan of a cluster, so that a bot finds the comment to replace.
    public static func marker(_ plan: Plan) -> String {
        // No `--` and no `>` may stand in a comment (https://spec.commonmark.org/0.31.2/#html-comment); a cluster's name
        // is a DNS label, which may have the former.
        let name = encoded(plan.cluster).replacingOccurrences(of: "-", with: "%2D")
        return "<!-- osiris-plan cluster=\(name) -->"
    }

    /// Adds items as long as the whole text stays below `share`, and says how many do not fit.
    private static func section<Item>(
        _ title: String, _ items: [Item], open: Bool, upTo share: Int, in text: inout String,
        _ render: (Item) -> String
    ) {
        guard !items.isEmpty else { return }
        let head = "\n<details\(open ? " open" : "")><summary>\(title)</summary>\n\n"
        guard text.utf8.count + head.utf8.count + reserve < limit else { return }
        text += head
        var size = text.utf8.count
        var shown = 0
        for item in items {
            let block = render(item)
            // Every later section needs room for its own line.
            guard size + block.utf8.count < min(share, limit - 8 * reserve) else { break }
            text += block
            size += block.utf8.count
            shown += 1
        }
        if shown < items.count {
            text += "… \((items.count - shown).grouped) more; `osiris plan` shows them all.\n\n"
        }
        text += "</details>\n"
    }

    private static func link(_ entry: ChangeEntry, _ base: String?) -> String {
        guard let base, let source = entry.changes[0].source else { return "" }
        return
            "[\(escapedLink(source.file)):\(source.start.line)](\(base)\(encoded(source.file))#L\(source.start.line))\n\n"
    }

    /// A code block whose fence no line of the text can close.
    private static func fenced(_ text: String) -> String {
        let fence = String(repeating: "`", count: max(3, longestBacktickRun(text) + 1))
        let body = text.hasSuffix("\n\n") ? String(text.dropLast()) : text
        return "\(fence)text\n\(body)\(fence)\n\n"
    }

    private static func code(_ text: String) -> String {
        let fence = String(repeating: "`", count: longestBacktickRun(text) + 1)
        return fence + PrintableText.escaped(text) + fence
    }

    private static func longestBacktickRun(_ text: String) -> Int {
        var (longest, run) = (0, 0)
        for byte in text.utf8 {
            run = byte == UInt8(ascii: "`") ? run + 1 : 0
            longest = max(longest, run)
        }
        return longest
    }

    private static func escapedLink(_ file: String) -> String {
        PrintableText.escaped(file).reduce(into: "") { text, character in
            if character.isASCII, character.isPunctuation || character.isSymbol, !"/.-".contains(character) {
                text += "\\"
            }
            text.append(character)
        }
    }

    /// Percent-encoded for the path of an address.
    private static func encoded(_ file: String) -> String {
        file.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + Digest.hex([byte]).uppercased()
            }
        }
    }
}
