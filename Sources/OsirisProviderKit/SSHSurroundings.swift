import Foundation
import OsirisModel
import OsirisTransport

/// What of the user's machine counts for logins: its `~/.ssh`, its agent, its user.
public struct SSHSurroundings: Sendable {
    /// The home folder.
    public var home: String
    /// Who runs osiris.
    public var user: String
    /// Path of the agent's socket; nil for none.
    public var agent: String?
    /// `~/.ssh/config`; of `/etc/ssh/ssh_config` nothing is taken.
    public var config: SSHConfigFile
    /// True for a path of a file that is there.
    public var exists: @Sendable (String) -> Bool

    public init(
        home: String, user: String, agent: String?, config: SSHConfigFile, exists: @escaping @Sendable (String) -> Bool
    ) {
        self.home = home
        self.user = user
        self.agent = agent
        self.config = config
        self.exists = exists
    }

    /// Those of this process, as they were when they were first asked for.
    public static let current = of(ProcessInfo.processInfo.environment)

    /// Reads the configuration file and what it includes.
    static func of(_ environment: [String: String]) -> SSHSurroundings {
        let home = HomeFolder.path(environment)
        func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
        let config = SSHConfigFile(text: text(home + "/.ssh/config") ?? "") { pattern in
            var path = pattern.hasPrefix("~/") ? home + pattern.dropFirst() : pattern
            if !path.hasPrefix("/") { path = home + "/.ssh/" + path }
            return files(path).compactMap(text)
        }
        return SSHSurroundings(
            home: home, user: NSUserName(), agent: environment["SSH_AUTH_SOCK"].flatMap { $0.isEmpty ? nil : $0 },
            config: config, exists: { FileManager.default.fileExists(atPath: $0) })
    }

    /// Files that a shell pattern names, in order.
    private static func files(_ pattern: String) -> [String] {
        var list = glob_t()
        defer { globfree(&list) }
        guard glob(pattern, 0, nil, &list) == 0 else { return [] }
        return (0..<Int(list.gl_pathc)).compactMap { list.gl_pathv[$0].map { String(cString: $0) } }
    }
}
