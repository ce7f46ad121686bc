/// A program of the function's own that answers lines.
struct CommandProgram: RuntimeProgram {
    let hasHandler = false
    let wire = WireKind.lines
    var starter: (name: String, bytes: [UInt8])? { nil }

    func words(_ spec: FunctionSpec, folder: String, starter: String) -> [String] {
        guard let program = spec.command.first, program.contains("/"), !program.hasPrefix("/") else {
            return spec.command
        }
        return [folder + "/" + program] + spec.command.dropFirst()
    }
}
