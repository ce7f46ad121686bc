/// A folder with a JavaScript handler; `node.cjs` beside this file keeps it warm.
struct Node: RuntimeProgram {
    let hasHandler = true
    let wire = WireKind.http
    var starter: (name: String, bytes: [UInt8])? { ("node.cjs", PackageResources.node_cjs) }

    func words(_ spec: FunctionSpec, folder: String, starter: String) -> [String] {
        // Node cannot move its descriptors; the shell keeps the hub's from `console.log`.
        ["/bin/sh", "-c", #"exec node "$@" 3<&0 4>&1 </dev/null 1>&2"#, "sh", starter, spec.handler]
    }
}
