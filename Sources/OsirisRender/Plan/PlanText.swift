import OsirisDiagnostics
import OsirisModel
import OsirisPlanner

/// A plan for people: what changed outside, what apply will do and why, riskiest first, the sum last.
///
/// Lines keep to `style.width`; only an address that is longer by itself does not, so that it can be copied.
public enum PlanText {
    /// How much of a plan is shown.
    public enum Verbosity: Sendable, Hashable {
        /// One line and the reason for each change, no attributes.
        case concise
        /// Attributes too; many alike changes are folded into one entry.
        case normal
        /// Nothing folded or shortened, and the attributes of what is deleted.
        case verbose
    }

    /// How many alike changes are still listed one by one.
    static let foldLimit = 10

    private static func foldLimit(_ verbosity: Verbosity) -> Int? {
        switch verbosity {
        case .concise: 3
        case .normal: foldLimit
        case .verbose: nil
        }
    }

    /// What changed outside osiris and what apply would do about it, or that nothing did.
    public static func drift(_ plan: Plan, style: TextStyle) -> String {
        var text = ""
        DriftText(style: style, verbosity: .verbose).append(plan, to: &text)
        if !text.isEmpty { return text }
        return plan.rootsSetAside.isEmpty
            ? "No drift: everything recorded is as it was.\n" : "No drift in what could be read.\n"
    }

    /// The whole text, with a line break at its end. Linear in the size of the plan.
    /// - Parameter diagnostic: renders one warning or refusal, such as with its source line; empty text leaves it to the caller.
    public static func render(
        _ plan: Plan, style: TextStyle, verbosity: Verbosity = .normal,
        diagnostic: ((Diagnostic) -> String)? = nil
    ) -> String {
        let diagnostic = diagnostic ?? { DiagnosticText.render($0, style: style) }
        var text = ""
        DriftText(style: style, verbosity: verbosity).append(plan, to: &text)
        if !plan.changes.isEmpty {
            text += style.paint(plan.mode == .destroy ? "Destroy will:" : "Apply will:", .bold) + "\n\n"
            let writer = ChangeText(style: style, verbosity: verbosity, chains: CauseChains(plan))
            let placed = plan.changesAtCause
            for action in Action.byRisk {
                let changes = placed.filter { $0.action == action }
                for entry in ChangeEntry.entries(of: changes, foldingOver: foldLimit(verbosity)) {
                    writer.append(entry, to: &text)
                }
            }
            if verbosity == .concise { text += "\n" }
        }
        for fault in plan.faults.sortedForDisplay() + plan.refusals {
            let block = diagnostic(fault)
            if !block.isEmpty { text += block + "\n" }
        }
        text += style.paint(summary(plan), .bold) + "\n"
        for sentence in meanwhile(plan) {
            for line in PrintableText.wrapped(PrintableText.escaped(sentence), to: style.width) { text += line + "\n" }
        }
        if !plan.refusals.isEmpty {
            let reasons = plan.refusals.count == 1 ? "the reason above" : "the \(plan.refusals.count) reasons above"
            text += style.paint("Apply refuses this plan for \(reasons).", .boldRed) + "\n"
        }
        return text
    }

    /// How the machines that serve take turns, and what does not answer meanwhile, a sentence each; empty if none is
    /// changed.
    static func meanwhile(_ plan: Plan) -> [String] {
        [RolloutText.intent(plan), RolloutText.outage(plan)].compactMap(\.self)
    }

    /// The sum, riskiest first: `Plan: 1 to delete, 3 to create; 40 unchanged.`, or that there is nothing to do.
    public static func summary(_ plan: Plan) -> String {
        var aside = ""
        for (what, roots) in [("Set aside", plan.rootsSetAside), ("Left alone", plan.rootsLeftAlone)]
        where !roots.isEmpty {
            aside += " \(what): \(roots.count.grouped)."
        }
        guard plan.changes.isEmpty else {
            var counts: [Action: Int] = [:]
            for change in plan.changes { counts[change.action, default: 0] += 1 }
            let parts = Action.byRisk.compactMap { action in
                counts[action].map { "\($0.grouped) to \(action.verb)" }
            }
            return "Plan: \(parts.joined(separator: ", ")); \(plan.noopCount.grouped) unchanged.\(aside)"
        }
        if !plan.setAside.isEmpty { return "No changes.\(aside)" }
        if plan.mode == .destroy { return "No changes. There is nothing to destroy." }
        return switch plan.noopCount {
        case 0: "No changes. There are no resources."
        case 1: "No changes. 1 resource is as the manifest wants it."
        default: "No changes. \(plan.noopCount.grouped) resources are as the manifest wants them."
        }
    }
}
