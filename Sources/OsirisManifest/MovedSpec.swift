import OsirisDiagnostics
import OsirisModel

/// One entry of `spec.moved`: something that had another name before and goes on under its new one, as the same object.
public struct MovedSpec: Sendable, Hashable {
    public var from: Name
    public var to: Name
    /// Place of the entry in the manifest; nil for one that was given on the command line.
    public var span: SourceSpan?

    public init(from: Name, to: Name, span: SourceSpan? = nil) {
        self.from = from
        self.to = to
        self.span = span
    }

    /// What can have another name.
    public enum Name: Sendable, Hashable, CustomStringConvertible {
        /// All that is in it: `use1`.
        case target(String)
        /// In every hub: `demo/hello`.
        case function(namespace: String, name: String)
        /// A machine with all that is on it, or one other resource: `rack1/host.r1-n01`.
        case resource(ResourceAddress)

        /// Nil if the text has none of these forms.
        public init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            switch parts.count {
            case 1 where Self.isLabel(parts[0]): self = .target(parts[0])
            case 2 where parts.allSatisfy(Self.isLabel): self = .function(namespace: parts[0], name: parts[1])
            case 2:
                guard Self.isLabel(parts[0]), let address = ResourceAddress(text) else { return nil }
                self = .resource(address)
            default: return nil
            }
        }

        private static func isLabel(_ text: String) -> Bool {
            !text.isEmpty && text.utf8.count <= 63
                && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
        }

        public var description: String {
            switch self {
            case .target(let name): name
            case .function(let namespace, let name): "\(namespace)/\(name)"
            case .resource(let address): address.text
            }
        }

        /// For people: what it is.
        public var kind: String {
            switch self {
            case .target: "a target"
            case .function: "a function"
            case .resource(let address): "a resource of type `\(address.type)`"
            }
        }
    }
}
