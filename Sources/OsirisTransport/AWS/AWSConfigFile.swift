import Foundation

/// What one of the two shared files says (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html): sections
/// with names and values, and below an empty value one level of indented names and values.
struct AWSConfigFile: Sendable {
    struct Section: Sendable {
        /// By name in lower case; of an indented name as `outer.inner`.
        var values: [String: String] = [:]
    }

    private(set) var profiles: [String: Section] = [:]
    private(set) var ssoSessions: [String: Section] = [:]
    private(set) var services: [String: Section] = [:]

    enum Kind {
        /// `[profile x]`, `[default]`, `[sso-session x]`, `[services x]`.
        case config
        /// `[x]`
        case credentials
    }

    private enum Place {
        case profile(String)
        case ssoSession(String)
        case services(String)
        case other
    }

    init() {}

    /// Lines that are neither a section nor `name = value` are skipped, as other tools do.
    init(_ text: String, _ kind: Kind) {
        var place = Place.other
        var outer: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let isIndented = line.first?.isWhitespace == true
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
                place = Self.place(line[line.index(after: line.startIndex)..<end], kind)
                outer = nil
                // A section without a line in it is there as well.
                edit(place) { _ in }
            } else if let equals = line.firstIndex(of: "=") {
                let name = line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
                // No comment ends a value: a key or a command may hold a `#`.
                let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
                if isIndented, let outer {
                    edit(place) { $0.values["\(outer).\(name)"] = value }
                } else {
                    outer = value.isEmpty ? name : nil
                    edit(place) { $0.values[name] = value.isEmpty ? nil : value }
                }
            }
        }
    }

    private mutating func edit(_ place: Place, _ change: (inout Section) -> Void) {
        switch place {
        case .profile(let name): change(&profiles[name, default: Section()])
        case .ssoSession(let name): change(&ssoSessions[name, default: Section()])
        case .services(let name): change(&services[name, default: Section()])
        case .other: break
        }
    }

    private static func place(_ header: some StringProtocol, _ kind: Kind) -> Place {
        let header = header.trimmingCharacters(in: .whitespaces)
        if kind == .credentials { return .profile(header) }
        let words = header.split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
        guard let first = words.first else { return .other }
        let quotes = CharacterSet(charactersIn: "\"'").union(.whitespaces)
        let name = words.count > 1 ? words[1].trimmingCharacters(in: quotes) : nil
        switch (first, name) {
        case ("default", nil): return .profile("default")
        case ("profile", let name?): return .profile(name)
        case ("sso-session", let name?): return .ssoSession(name)
        case ("services", let name?): return .services(name)
        default: return .other
        }
    }
}
