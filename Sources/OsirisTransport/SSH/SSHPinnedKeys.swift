/// A file of known host keys (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) that is kept in Git: sorted, so that a new host is one
/// new line. Comments and lines of other forms stay, at the top.
public struct SSHPinnedKeys: Sendable, Hashable {
    private var others: [String] = []
    private var lines: Set<String> = []

    /// - Parameter text: of the file; empty for one that is not there.
    public init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline).map(String.init) {
            if line.hasPrefix("#") || line.hasPrefix("|") || line.hasPrefix("@") || !line.contains(" ") {
                others.append(line)
            } else {
                lines.insert(line)
            }
        }
    }

    /// Adds the key of a host.
    /// - Parameter replacing: true to take out all keys that the file has for the host. Hashed names are not recognised.
    public mutating func add(_ key: SSHHostKey, host: String, port: Int, replacing: Bool = false) {
        let line = key.line(host: host, port: port)
        if replacing {
            let name = line.prefix { $0 != " " }
            lines = Set(lines.compactMap { Self.without(String(name), $0) })
        }
        lines.insert(line)
    }

    private static func without(_ name: String, _ line: String) -> String? {
        let names = line.prefix { $0 != " " }
        let left = names.split(separator: ",").filter { $0 != name }
        return left.isEmpty ? nil : left.joined(separator: ",") + line[names.endIndex...]
    }

    public var text: String { (others + lines.sorted()).map { $0 + "\n" }.joined() }
}
