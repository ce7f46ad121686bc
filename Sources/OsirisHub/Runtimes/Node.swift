/// A folder with a JavaScript handler; `node.cjs` beside this file keeps it warm.
struct Node: RuntimeProgram {
    let hasHandler = true
    let wire = WireKind.http
    var starter: (name: String, bytes: [UInt8])? { ("node.cjs", PackageResources.node_cjs) }

    /// V8 reserves gigabytes that it never uses.
    var fitsAddressSpace: Bool { false }

    func words(_ spec: FunctionSpec, folder: String, starter: String) -> [String] {
        interpreter(spec.limits, starter) + [spec.handler]
    }

    func warmWords(_ limits: FunctionSpec.Limits, starter: String) -> [String]? { interpreter(limits, starter) }

    private func interpreter(_ limits: FunctionSpec.Limits, _ starter: String) -> [String] {
        // Node cannot move its descriptors; the shell keeps the hub's from `console.log`.
        let shell = ["/bin/sh", "-c", #"exec node "$@" 3<&0 4>&1 </dev/null 1>&2"#, "sh"]
        // The heap only; a control group, where there is one, bounds the rest.
        let heap = limits.memoryBytes.map { ["--max-old-space-size=\(max($0 >> 20, 16))"] } ?? []
        return shell + heap + [starter]
    }
}
