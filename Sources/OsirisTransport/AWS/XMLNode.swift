import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An element of an XML answer. Attributes and namespaces, which the APIs of AWS do not use for data, are left out.
public struct XMLNode: Sendable, Hashable {
    public let name: String
    /// The text right inside; empty for an element that holds others. White space at an end is part of it, as of a tag's
    /// value, unless it breaks the line: then it only lays the XML out.
    public let text: String
    public let children: [XMLNode]

    public init(_ name: String, text: String = "", children: [XMLNode] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// The root element; nil if the bytes are not XML.
    public init?(parsing bytes: [UInt8]) {
        let builder = Builder()
        let parser = XMLParser(data: Data(bytes))
        parser.delegate = builder
        // Foundation's answer of `parse` is true for a text that goes on after its root.
        guard parser.parse(), parser.parserError == nil, let root = builder.root else { return nil }
        self = root
    }

    /// The first element at a path of names below this one, such as `vpc/vpcId`; nil if there is none.
    public subscript(path: String) -> XMLNode? {
        var node = self
        for name in path.split(separator: "/") {
            guard let next = node.children.first(where: { $0.name == name }) else { return nil }
            node = next
        }
        return node
    }

    /// The text of the first element at a path; nil if there is no such element.
    public func text(_ path: String) -> String? { self[path]?.text }

    /// What is in the list at a path, such as the `item`s of `vpcSet`; empty if there is no such list.
    public func items(_ path: String) -> [XMLNode] { self[path]?.children ?? [] }

    /// The children of this name, where a list has no element around it, as in answers of S3.
    public func all(_ name: String) -> [XMLNode] { children.filter { $0.name == name } }

    private final class Builder: NSObject, XMLParserDelegate {
        private struct Open {
            var name: String
            var text = ""
            var children: [XMLNode] = []
        }

        private var open: [Open] = []
        private(set) var root: XMLNode?

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            open.append(Open(name: name))
        }

        func parser(_ parser: XMLParser, foundCharacters characters: String) {
            if !open.isEmpty { open[open.count - 1].text += characters }
        }

        func parser(_ parser: XMLParser, foundCDATA block: Data) {
            if !open.isEmpty { open[open.count - 1].text += String(decoding: block, as: UTF8.self) }
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            guard let done = open.popLast() else { return }
            let node = XMLNode(
                done.name, text: done.children.isEmpty ? Self.trimmed(done.text) : "", children: done.children)
            if open.isEmpty { root = node } else { open[open.count - 1].children.append(node) }
        }

        /// Without the white space of XML (https://www.w3.org/TR/xml/#sec-common-syn) that lays it out. A listing of 200 instances
        /// has 22,000 texts, and Foundation's way over UTF-16 was a fifth of what a plan of them computes.
        private static func trimmed(_ text: String) -> String {
            func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }
            let bytes = text.utf8
            guard let first = bytes.firstIndex(where: { !isBlank($0) }),
                let last = bytes.lastIndex(where: { !isBlank($0) })
            else { return bytes.contains(0x0A) ? "" : text }
            let (before, after) = (bytes[..<first], bytes[bytes.index(after: last)...])
            let start = before.contains(0x0A) ? first : bytes.startIndex
            return String(Substring(bytes[start..<(after.contains(0x0A) ? after.startIndex : bytes.endIndex)]))
        }
    }
}
