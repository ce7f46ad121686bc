/// What must be the same of two functions for one started interpreter to do for either. By which means it is kept apart
/// is the same for the whole hub.
struct WarmShape: Hashable, Sendable {
    var runtime: FunctionSpec.Runtime
    /// With what holds where the function says nothing; the hub keeps the time and the output itself.
    var limits: FunctionSpec.Limits
    /// False to have none.
    var network: Bool
    /// What is installed besides the source, on the host; nil for nothing.
    var dependencies: String?

    /// - Returns: nil for a function that must be there when its interpreter starts.
    init?(_ spec: FunctionSpec, dependencies: String?) {
        guard spec.runtime.program.warmWords(spec.limits, starter: "") != nil, spec.secretFileDigests ?? [:] == [:],
            ![spec.env, spec.secretDigests].flatMap(\.keys).contains(where: Self.isForInterpreter)
        else { return nil }
        runtime = spec.runtime
        let own = spec.limits
        limits = FunctionSpec.Limits(
            memoryBytes: own.memoryBytes, cpuThousandths: own.cpuThousandths, processes: own.mostProcesses,
            openFiles: own.mostOpenFiles, diskBytes: own.mostDiskBytes)
        network = spec.network ?? true
        self.dependencies = dependencies
    }

    /// True for a variable that an interpreter, its libraries or what starts it read before any code of a function runs.
    static func isForInterpreter(_ variable: String) -> Bool {
        Sandbox.isForLoader(variable) || names.contains(variable) || prefixes.contains(where: variable.hasPrefix)
    }

    private static let names: Set = ["PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TZDIR", "IFS", "ENV", "ICU_DATA"]
    private static let prefixes = ["PYTHON", "PYENV_", "NODE_", "LC_", "MALLOC_", "UV_", "OPENSSL_", "SSL_"]
}
