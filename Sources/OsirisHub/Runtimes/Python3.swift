/// A folder with a Python handler; `python3.py` beside this file keeps it warm.
struct Python3: RuntimeProgram {
    let hasHandler = true
    let wire = WireKind.http
    var starter: (name: String, bytes: [UInt8])? { ("python3.py", PackageResources.python3_py) }

    func words(_ spec: FunctionSpec, folder: String, starter: String) -> [String] {
        interpreter(starter) + [spec.handler]
    }

    func warmWords(_ limits: FunctionSpec.Limits, starter: String) -> [String]? { interpreter(starter) }

    private func interpreter(_ starter: String) -> [String] { ["python3", "-u", "-B", starter] }
}
