import Foundation

/// The part of `ssh_config` (ssh_config(5)) that says how to reach a host: plain, text in, settings out.
///
/// As in OpenSSH, the first value found for a key counts, and `IdentityFile` adds up. `Host` takes patterns with `*`, `?`
/// and `!`. Of `Match` only `all` is understood; what stands under another one is passed over.
public struct SSHConfigFile: Sendable, Hashable {
    /// What a file says about one host. Nil and empty: nothing.
    public struct Settings: Sendable, Hashable {
        public var hostName: String?
        public var user: String?
        public var port: Int?
        /// Paths, in order, `~` and `%` tokens replaced.
        public var identityFiles: [String] = []
        /// True: no other keys than those, not even the agent's.
        public var identitiesOnly = false
        /// Socket of the agent; `none` for no agent.
        public var agent: String?
        /// `[user@]host[:port]`, the nearest first; nil says nothing, an empty one `none`.
        public var jumps: [String]?
        public var knownHosts: [String] = []
        public var hostKeyAlias: String?
    }

    private struct Line: Sendable, Hashable {
        var key: String
        var words: [String]
    }

    private let lines: [Line]

    /// - Parameters:
    ///   - text: of the file.
    ///   - include: the texts of the files that a pattern after `Include` names, in order.
    public init(text: String, include: (String) -> [String] = { _ in [] }) {
        lines = Self.lines(of: text, depth: 0, include)
    }

    private static func lines(of text: String, depth: Int, _ include: (String) -> [String]) -> [Line] {
        var lines: [Line] = []
        for line in text.split(whereSeparator: \.isNewline) {
            var words = words(of: line)
            guard !words.isEmpty else { continue }
            let key = words.removeFirst().lowercased()
            // As deep as OpenSSH goes.
            guard key == "include", depth < 16 else {
                lines.append(Line(key: key, words: words))
                continue
            }
            let scope = lines.last { $0.key == "host" || $0.key == "match" }
            for text in words.flatMap(include) { lines += Self.lines(of: text, depth: depth + 1, include) }
            // What follows belongs to the block that the line stands in, whatever blocks the included files have.
            lines.append(scope ?? Line(key: "host", words: ["*"]))
        }
        return lines
    }

    /// Words apart by blanks, or by `=` after the key; `"` keeps blanks together, `#` begins a comment.
    private static func words(of line: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var isInQuotes = false
        var hasWord = false
        for character in line {
            if isInQuotes {
                if character == "\"" { isInQuotes = false } else { word.append(character) }
            } else if character == "\"" {
                (isInQuotes, hasWord) = (true, true)
            } else if character.isWhitespace || (character == "=" && words.isEmpty) {
                if hasWord { words.append(word) }
                (word, hasWord) = ("", false)
            } else if character == "=", words.count == 1, !hasWord {
                continue
            } else if character == "#", !hasWord {
                break
            } else {
                word.append(character)
                hasWord = true
            }
        }
        return hasWord ? words + [word] : words
    }

    /// What the file says about a host as it was named on the command line or in the manifest.
    /// - Parameters:
    ///   - user: who to log in as, if that is known better than by the file; for `%r`.
    ///   - home: for `~` and `%d`.
    public func settings(for host: String, user: String? = nil, home: String = NSHomeDirectory()) -> Settings {
        var settings = Settings()
        var identities: [String] = []
        var isMeant = true
        for line in lines {
            switch line.key {
            case "host": isMeant = Self.matches(host, line.words)
            case "match": isMeant = line.words.map { $0.lowercased() } == ["all"]
            default:
                guard isMeant, let value = line.words.first else { continue }
                if line.key == "identityfile" { identities.append(value) } else { settings.take(line.key, line.words) }
            }
        }
        let name = settings.hostName?.replacing("%h", with: host) ?? host
        if settings.hostName != nil { settings.hostName = name }
        func expanded(_ path: String) -> String {
            var path = path
            if path.hasPrefix("~/") { path = home + path.dropFirst() }
            let tokens = [
                ("%d", home), ("%h", name), ("%n", host), ("%r", user ?? settings.user ?? NSUserName()),
                ("%u", NSUserName()), ("%p", String(settings.port ?? 22)), ("%%", "%"),
            ]
            for (token, value) in tokens { path = path.replacing(token, with: value) }
            return path
        }
        settings.identityFiles = identities.filter { $0.lowercased() != "none" }.map(expanded)
        settings.knownHosts = settings.knownHosts.map(expanded)
        settings.agent = settings.agent.map(expanded)
        return settings
    }

    private static func matches(_ host: String, _ patterns: [String]) -> Bool {
        var isMeant = false
        for pattern in patterns.flatMap({ $0.split(separator: ",") }) {
            if pattern.hasPrefix("!") {
                if fits(host[...], pattern.dropFirst()) { return false }
            } else if fits(host[...], pattern) {
                isMeant = true
            }
        }
        return isMeant
    }

    private static func fits(_ text: Substring, _ pattern: Substring) -> Bool {
        // The last `*` may take one character more each time the rest does not fit.
        var (at, of) = (text.startIndex, pattern.startIndex)
        var star: (text: Substring.Index, pattern: Substring.Index)?
        while at < text.endIndex {
            if of < pattern.endIndex, pattern[of] == "*" {
                star = (at, of)
                of = pattern.index(after: of)
            } else if of < pattern.endIndex, pattern[of] == "?" || pattern[of] == text[at] {
                (at, of) = (text.index(after: at), pattern.index(after: of))
            } else if let last = star {
                star?.text = text.index(after: last.text)
                (at, of) = (text.index(after: last.text), pattern.index(after: last.pattern))
            } else {
                return false
            }
        }
        return pattern[of...].allSatisfy { $0 == "*" }
    }
}

extension SSHConfigFile.Settings {
    fileprivate mutating func take(_ key: String, _ words: [String]) {
        let value = words[0]
        switch key {
        case "hostname": hostName = hostName ?? value
        case "user": user = user ?? value
        case "port": port = port ?? Int(value)
        case "identitiesonly": identitiesOnly = identitiesOnly || value.lowercased() == "yes"
        case "identityagent": agent = agent ?? value
        case "proxyjump":
            jumps = jumps ?? (value.lowercased() == "none" ? [] : value.split(separator: ",").map(String.init))
        case "userknownhostsfile": if knownHosts.isEmpty { knownHosts = words }
        case "hostkeyalias": hostKeyAlias = hostKeyAlias ?? value
        default: break
        }
    }
}
