/// How a script gets the rights of root on a host.
public struct SSHElevation: Sendable, Hashable {
    public enum Way: String, Sendable, CaseIterable {
        /// As the user who logged in.
        case none
        case sudo
        /// Only for users whom `doas.conf` says `nopass` to: doas reads passwords from terminals alone.
        case doas
        /// What the host has: nothing for root, else sudo, else doas.
        case auto
    }

    public var way: Way
    /// Given to sudo when it asks; nil for a user who needs none.
    public var password: String?

    public init(_ way: Way, password: String? = nil) {
        self.way = way
        self.password = password
    }

    public static let none = SSHElevation(.none)
}

/// Prints no password.
extension SSHElevation: CustomStringConvertible, CustomReflectable {
    public var description: String { way.rawValue }
    public var customMirror: Mirror { Mirror(self, children: ["way": way.rawValue]) }
}

extension SSHElevation {
    /// Written by the shell once it has the rights, before the script: what sudo said before it is not the script's.
    static let sign = "osiris: elevated\n"
    /// sudo writes it when it wants the password (sudo(8), -p); there is no line feed after it.
    static let prompt = "osiris: password:"

    /// The line for the login shell. The words of a script are in its arguments, so that its input is left to it.
    func line(script: String, arguments: [String]) -> String {
        // The absolute path is what a sudoers file can allow.
        let shell = ["/bin/sh", "-c"]
        let words = [(way == .none ? "" : "printf '\(Self.sign.dropLast())\\n' >&2\n") + script, "sh"] + arguments
        // sudo -n would not even read a password that is given.
        let sudo = ["sudo"] + (password == nil ? ["-n"] : ["-S", "-p", Self.prompt]) + ["--"] + shell
        let doas = ["doas", "-n", "--"] + shell
        switch way {
        case .none: return SSHWords.line(shell + words)
        case .sudo: return SSHWords.line(["env", "LC_ALL=C"] + sudo + words)
        case .doas: return SSHWords.line(doas + words)
        case .auto:
            // Every program that is started costs the host as much as the rest of the choice: the root of the file system
            // belongs to root, so `-O` tells who asks, without one.
            let choice = """
                LC_ALL=C; export LC_ALL
                if [ -O / ]; then exec \(SSHWords.line(shell)) "$@"
                elif command -v sudo >/dev/null 2>&1; then exec \(SSHWords.line(sudo)) "$@"
                elif command -v doas >/dev/null 2>&1; then exec \(SSHWords.line(doas)) "$@"
                fi
                echo 'neither sudo nor doas is there' >&2; exit 127
                """
            return SSHWords.line(shell + [choice, "sh"] + words)
        }
    }

    /// Why the rights were not given, from what was said before the script would have begun.
    func failure(_ errors: [UInt8], status: Int?, asked: Int, at place: String) -> SSHError {
        let words = String(decoding: errors.suffix(500), as: UTF8.self).replacing(Self.prompt, with: "")
            .split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        let text = words.joined(separator: "; ")
        func error(_ reason: String, _ help: String) -> SSHError { SSHError(.elevation, place, reason, help: help) }
        if asked > 1 { return error("sudo did not take the password", "check `become.password` of the target") }
        if text.contains("must have a tty") {
            return error(
                "sudo wants a terminal (requiretty)", "put `Defaults:USER !requiretty` into the host's sudoers file")
        }
        if text.contains("password is required") {
            return error(
                "sudo wants a password", "give the target `become.password`, or the user NOPASSWD in the sudoers file")
        }
        if text.contains("Authentication required") || text.contains("a tty is required") {
            return error(
                "doas wants a password, which it reads from terminals alone",
                "write `permit nopass USER` into the host's doas.conf, or use sudo")
        }
        if ["not in the sudoers", "not allowed to", "may not run", "Operation not permitted"].contains(
            where: text.contains)
        {
            return error("the user has not the right: \(text)", "see docs/ssh.md for a sudoers file that is enough")
        }
        if status == 127 || text.contains("not found") {
            return error(
                "\(way == .auto ? "neither sudo nor doas" : way.rawValue) is not there",
                "install it on the host, log in as root, or set `become.way`")
        }
        return error("\(way.rawValue) failed: \(text.isEmpty ? "no reason was given" : text)", "")
    }
}

/// Answers what sudo asks, and tells when the script has begun. The input of the script waits until then, so that it is
/// never read as a password.
struct SSHElevationTalk {
    private let password: String?
    /// How often a password was asked for.
    private(set) var asked = 0
    private(set) var isElevated = false

    init(_ elevation: SSHElevation) { password = elevation.password }

    /// - Parameter errors: all that has come; loses what is not of the script.
    mutating func hear(_ errors: inout [UInt8], _ feed: inout SSHFeed) {
        guard !isElevated else { return }
        if let end = errors.firstRange(of: Array(SSHElevation.sign.utf8))?.upperBound {
            isElevated = true
            errors.removeFirst(end)
            feed.release()
            return
        }
        let prompts = errors.ranges(of: Array(SSHElevation.prompt.utf8)).count
        guard prompts > asked else { return }
        asked = prompts
        // Once is enough: after a few wrong ones some hosts lock the user out.
        if prompts == 1, let password { feed.send(first: password + "\n") } else { feed.end() }
    }
}
