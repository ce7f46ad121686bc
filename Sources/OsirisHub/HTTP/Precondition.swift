import HTTPTypes
import Hummingbird
import OsirisModel

/// An entity tag: names what is deployed, not how it is doing (RFC 9110, section 8.8.3).
struct EntityTag: Sendable, Equatable {
    /// With its quotes, as in the header.
    let text: String

    /// Of one function: the content of its wanted version and that version's number.
    init(_ entry: CatalogEntry) { self.init(of: "\(entry.version) \(entry.contentDigest)") }

    /// Of a list of functions.
    init(_ entries: [CatalogEntry]) {
        self.init(of: entries.map { "\($0.spec.name) \(EntityTag($0).text)" }.joined(separator: "\n"))
    }

    private init(of content: String) {
        text = "\"" + Digest.hex(Digest.sha256Bytes(content.utf8).prefix(16)) + "\""
    }

    /// 304 if the request says that it has this already (RFC 9110, section 13.1.2), else nil.
    func notModified(_ request: Request) -> Response? {
        let tags = Precondition.tags(request.headers[.ifNoneMatch])
        // The comparison is a weak one here: W/"a" is "a".
        guard tags.contains(where: { $0 == "*" || $0 == text || $0 == "W/" + text }) else { return nil }
        return Response(status: .notModified, headers: [.eTag: text])
    }
}

/// What must be so for a change to be made (RFC 9110, section 13.1).
struct Precondition: Sendable, Equatable {
    /// `If-Match`: the function has one of these tags; `*`: it exists. Empty asks for nothing.
    var match: [String] = []
    /// `If-None-Match`: it has none of these; `*`: it does not exist.
    var noneMatch: [String] = []

    init(_ headers: HTTPFields = [:]) {
        match = Self.tags(headers[.ifMatch])
        noneMatch = Self.tags(headers[.ifNoneMatch])
    }

    /// - Parameter entry: the function's wanted version, nil if there is none.
    /// - Throws: `HubError` 412.
    func check(_ entry: CatalogEntry?) throws {
        let tag = entry.map { EntityTag($0).text }
        let isMatched = match.isEmpty || (tag != nil && match.contains { $0 == "*" || $0 == tag })
        let isExcluded = tag != nil && noneMatch.contains { $0 == "*" || $0 == tag || $0 == "W/" + (tag ?? "") }
        guard isMatched, !isExcluded else {
            let now = tag.map { "it is \($0) now" } ?? "there is none"
            throw HubError(
                412, "precondition_failed",
                "The function was changed in between: \(now). Nothing was changed; read it again and decide anew.")
        }
    }

    /// The tags of a header; an entity tag has no quote inside, but it may have a comma.
    static func tags(_ header: String?) -> [String] {
        guard let header else { return [] }
        var tags: [String] = []
        var rest = header[...]
        while let first = rest.firstIndex(where: { $0 != " " && $0 != "," && $0 != "\t" }) {
            rest = rest[first...]
            guard let open = rest.firstIndex(of: "\""), rest[..<open] == "" || rest[..<open] == "W/",
                let close = rest[rest.index(after: open)...].firstIndex(of: "\"")
            else {
                let word = rest.prefix { $0 != "," }
                tags.append(word.trimmingSpaces)
                rest = rest[word.endIndex...]
                continue
            }
            tags.append(String(rest[...close]))
            rest = rest[rest.index(after: close)...]
        }
        return tags
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
