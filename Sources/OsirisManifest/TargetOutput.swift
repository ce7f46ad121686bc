import OsirisModel

/// What another part of a manifest may use of a target: `${target.rack-a.machines[0].address}`.
public struct TargetOutput: Hashable, Sendable {
    /// Where one stands.
    struct Use: Sendable {
        var output: TargetOutput
        var place: Place
    }

    /// Why a text is none.
    struct Fault: Error {
        var message: String
        var help: String
    }

    /// What every machine has.
    public static let names = ["address", "name", "url"]

    public var target: String
    /// The machine's name, or its index in the target from 0.
    public var machine: String
    /// One of `names`.
    public var output: String

    /// The reference that stands in a `Cluster` until the targets are expanded.
    public var reference: AttributeReference {
        AttributeReference(ResourceAddress(target: target, type: Self.type, name: machine), output)
    }

    /// Nil for a reference to a resource.
    public init?(_ reference: AttributeReference) {
        guard reference.address.type == Self.type else { return nil }
        self.init(
            target: String(reference.address.target), machine: String(reference.address.name),
            output: reference.attribute)
    }

    init(target: String, machine: String, output: String) {
        (self.target, self.machine, self.output) = (target, machine, output)
    }

    private static let type = "output"
    private static let form = "write `${target.NAME.machines[0].address}`"

    /// Reads what follows `target.`.
    static func parse(_ text: Substring) -> Result<TargetOutput, Fault> {
        let shown = "${target.\(text)}".ticked
        let target = text.prefix { $0 != "." }
        guard Quantities.isLabel(String(target)) else {
            return .failure(Fault(message: "\(shown) names no target", help: form))
        }
        let rest = text.dropFirst(target.count + 1)
        guard let match = rest.wholeMatch(of: #/machines\[([a-z0-9-]+)\]\.([A-Za-z0-9_-]+)/#) else {
            return .failure(Fault(message: "\(shown) names no output of a machine", help: form))
        }
        let output = String(match.2)
        guard names.contains(output) else {
            let near = Suggestion.didYouMean(output, among: names).map { "did you mean `\($0)`?" }
            return .failure(
                Fault(
                    message: "a machine has no output \(output.ticked)", help: near ?? "it has \(names.ticked())"))
        }
        return .success(TargetOutput(target: String(target), machine: String(match.1), output: output))
    }
}
