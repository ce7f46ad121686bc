/// A file of known host keys (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), as text in and out.
public struct SSHPinnedKeys: Sendable, Hashable {
    private var lines: [String]
    private let isSorted: Bool

    /// - Parameters:
    ///   - text: of the file; empty for one that is not there.
    ///   - isSorted: true for a file that is kept in Git, where a new host shall be one new line at its place; false for one
    ///     of the user's own, which only grows at its end. Comments stay at the top.
    public init(_ text: String, isSorted: Bool) {
        lines = text.split(whereSeparator: \.isNewline).map(String.init)
        self.isSorted = isSorted
    }

    /// Adds the key of a host.
    /// - Parameter replacing: true to take out all keys that the file has for the host. Hashed names are not recognised.
    public mutating func add(_ key: SSHHostKey, host: String, port: Int, replacing: Bool = false) {
        let line = key.line(host: host, port: port)
        if replacing {
            let name = String(line.prefix { $0 != " " })
            lines = lines.compactMap { Self.without(name, $0) }
        }
        if !lines.contains(line) { lines.append(line) }
    }

    private static func without(_ name: String, _ line: String) -> String? {
        let names = line.prefix { $0 != " " }
        if line.hasPrefix("#") || !names.split(separator: ",").contains(where: { $0 == name }) { return line }
        let left = names.split(separator: ",").filter { $0 != name }
        return left.isEmpty ? nil : left.joined(separator: ",") + line[names.endIndex...]
    }

    public var text: String {
        let comments = lines.filter { $0.hasPrefix("#") }
        let keys = lines.filter { !$0.hasPrefix("#") }
        return (isSorted ? comments + Set(keys).sorted() : lines).map { $0 + "\n" }.joined()
    }
}
