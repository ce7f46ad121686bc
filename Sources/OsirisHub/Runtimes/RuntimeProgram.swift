/// How the functions of a runtime are run. A new one is a file with such a type, and a case and a line below.
protocol RuntimeProgram: Sendable {
    /// A file that every instance can read: its name in the hub's `bootstrap` folder, and its bytes.
    var starter: (name: String, bytes: [UInt8])? { get }
    /// True if a function has a `handler`, `module.function`, and files; false if it has a `command`.
    var hasHandler: Bool { get }
    /// How calls travel. With HTTP the first line on stdout says whether the function could be loaded, and the stderr
    /// has `CallMarks`; with lines the instance is ready once it has lived 50 ms.
    var wire: WireKind { get }

    /// True if its address space is about what it uses, so that a bound on it is one on its memory.
    var fitsAddressSpace: Bool { get }

    /// The program and its arguments, where it is a process of this machine.
    /// - Parameters:
    ///   - folder: the function's files, as the instance sees them.
    ///   - starter: the starter, as the instance sees it.
    func words(_ spec: FunctionSpec, folder: String, starter: String) -> [String]

    /// The program and its arguments before it is known which function it runs; nil if that cannot be. Its starter then
    /// says `Handshake.warm`, reads a `WarmLoad`, says `Handshake.taken` and goes on as with a function.
    func warmWords(_ limits: FunctionSpec.Limits, starter: String) -> [String]?
}

extension RuntimeProgram {
    var fitsAddressSpace: Bool { true }

    func warmWords(_ limits: FunctionSpec.Limits, starter: String) -> [String]? { nil }
}

/// What is spoken over the pipes of an instance.
enum WireKind: Sendable {
    /// A line of JSON in, a line of JSON out.
    case lines
    /// HTTP/1.1, after a handshake line.
    case http
}

extension FunctionSpec.Runtime {
    var program: any RuntimeProgram {
        switch self {
        case .python3: Python3()
        case .node: Node()
        case .command: CommandProgram()
        case .container: ContainerImage()
        }
    }
}
