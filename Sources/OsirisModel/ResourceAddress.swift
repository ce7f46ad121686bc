/// The name of a resource in a cluster: `TARGET/TYPE.NAME`, such as `rack-a/hub.r1-n01` or
/// `here/function.here.demo.hello`. Target and type hold neither `/` nor `.`; the name is free of `/`.
public struct ResourceAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The whole text; equality and order go by it.
    public let text: String

    public init(target: String, type: String, name: String) { text = "\(target)/\(type).\(name)" }

    /// Nil unless `text` has the form `TARGET/TYPE.NAME` with no part empty.
    public init?(_ text: String) {
        guard let slash = text.firstIndex(of: "/"), slash != text.startIndex,
            let dot = text[slash...].firstIndex(of: "."), text.index(after: slash) != dot,
            text.index(after: dot) != text.endIndex
        else { return nil }
        self.text = text
    }

    public var target: Substring { text.prefix { $0 != "/" } }
    public var type: Substring { text.drop { $0 != "/" }.dropFirst().prefix { $0 != "." } }
    public var name: Substring { text.drop { $0 != "/" }.drop { $0 != "." }.dropFirst() }

    public var description: String { text }
    public static func < (left: ResourceAddress, right: ResourceAddress) -> Bool { left.text < right.text }
}
