import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// The texts of an S3 answer by the path of their element, such as `ListBucketResult/Contents/Key`, in order.
struct S3StoreXML {
    private var texts: [String: [String]] = [:]

    /// Nil if it is not XML.
    init?(_ bytes: [UInt8]) {
        let collector = Collector()
        let parser = XMLParser(data: Data(bytes))
        parser.delegate = collector
        guard parser.parse() else { return nil }
        texts = collector.texts
    }

    func all(_ path: String) -> [String] { texts[path] ?? [] }
    func first(_ path: String) -> String? { texts[path]?.first }

    private final class Collector: NSObject, XMLParserDelegate {
        var texts: [String: [String]] = [:]
        private var path: [String] = []
        private var text = ""

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            path.append(name)
            text = ""
        }

        func parser(_ parser: XMLParser, foundCharacters characters: String) { text += characters }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            texts[path.joined(separator: "/"), default: []].append(text)
            path.removeLast()
            text = ""
        }
    }
}
