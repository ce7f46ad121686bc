import OsirisDiagnostics
import OsirisModel

extension Checker {
    /// A text that uses outputs of targets: its value is known once the targets are expanded, or only after apply.
    mutating func outputs(of reading: ScalarReading, _ node: Node, _ type: FieldType) -> Checked {
        let place = reading.outputs[0].place
        if let secret = reading.secret {
            return refuse(
                place, "the secret variable `\(secret)` and an output of a target cannot share a text",
                help: "give the function two variables")
        }
        let path = schemaPath
        let isText =
            switch type {
            case .string, .any: true
            default: false
            }
        guard isText, path == "spec.functions.env" || path.hasPrefix("spec.targets.") else {
            return refuse(
                place, "an output of a target cannot be used in \(shownPath)",
                help: "outputs may stand under `env` of a function, and in texts of other targets")
        }
        outputs += reading.outputs
        let pieces = reading.pieces
        return Checked(content: .leaf(pieces.count == 1 ? pieces[0] : .joined(pieces)), place: node.place)
    }

    private mutating func refuse(_ place: Place, _ message: String, help: String) -> Checked {
        refuse(place, .invalidExpression, message, help: help)
        return Checked(content: .invalid, place: place)
    }
}
