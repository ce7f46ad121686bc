/// An image that answers HTTP; `ContainerInstance` runs it.
struct ContainerImage: RuntimeProgram {
    let hasHandler = false
    let wire = WireKind.http
    var starter: (name: String, bytes: [UInt8])? { nil }

    func words(_ spec: FunctionSpec, folder: String, starter: String) -> [String] { spec.command }
}
