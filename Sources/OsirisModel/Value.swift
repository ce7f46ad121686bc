/// A value of an attribute: what JSON can say, and the three things it cannot.
///
/// Absent is a missing key, null is `.null`, not known before apply is `.unknown`; the three are never mixed.
public enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([Value])
    case map([String: Value])
    /// Known only after apply.
    case unknown
    /// Redacted everywhere but in the provider call that needs it.
    case secret(Secret)
    /// The value of another resource's attribute. Also makes that resource a dependency.
    case reference(AttributeReference)
    /// A text with references in it: its parts in order, strings and references. Known once they are.
    case joined([Value])
}

/// The attributes of a resource by name.
public typealias Attributes = [String: Value]

/// A secret value: equal to another by digest, printed as `(secret)`.
public struct Secret: Hashable, Sendable, CustomStringConvertible {
    /// Salted digest, `hmac-sha256:<hex>`; safe to store and compare.
    public let digest: String
    /// The clear value, or nil when only the digest was recorded.
    public let plaintext: String?

    public init(digest: String, plaintext: String?) {
        self.digest = digest
        self.plaintext = plaintext
    }

    public static func == (left: Secret, right: Secret) -> Bool { left.digest == right.digest }
    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
    public var description: String { "(secret)" }
}

extension Secret: CustomReflectable {
    // Keeps the clear value out of dump() and of test failure messages.
    public var customMirror: Mirror { Mirror(self, children: ["digest": digest]) }
}

/// Points at an attribute of another resource: `here/hub.here` and `url`.
public struct AttributeReference: Hashable, Sendable, CustomStringConvertible {
    public var address: ResourceAddress
    public var attribute: String

    public init(_ address: ResourceAddress, _ attribute: String) {
        self.address = address
        self.attribute = attribute
    }

    public var description: String { "${\(address).\(attribute)}" }
}

extension Value {
    /// True if this value or one inside it is known only after apply.
    public var containsUnknown: Bool {
        switch self {
        case .unknown, .reference, .joined: true
        case .list(let items): items.contains { $0.containsUnknown }
        case .map(let entries): entries.values.contains { $0.containsUnknown }
        default: false
        }
    }

    /// Calls `body` with every reference in this value.
    public func forEachReference(_ body: (AttributeReference) -> Void) {
        switch self {
        case .reference(let reference): body(reference)
        case .list(let items), .joined(let items): for item in items { item.forEachReference(body) }
        case .map(let entries): for value in entries.values { value.forEachReference(body) }
        default: break
        }
    }

    /// The value with every reference replaced by what `lookup` answers.
    public func resolvingReferences(_ lookup: (AttributeReference) -> Value) -> Value {
        switch self {
        case .reference(let reference): lookup(reference)
        case .list(let items): .list(items.map { $0.resolvingReferences(lookup) })
        case .joined(let parts): .joining(parts.map { $0.resolvingReferences(lookup) })
        case .map(let entries): .map(entries.mapValues { $0.resolvingReferences(lookup) })
        default: self
        }
    }

    /// The text of all parts, unknown if one of them is; `.joined` while one of them is a reference.
    static func joining(_ parts: [Value]) -> Value {
        var text = ""
        for part in parts {
            switch part {
            case .string(let piece): text += piece
            case .reference, .joined: return .joined(parts)
            default: return .unknown
            }
        }
        return .string(text)
    }

    public var stringValue: String? {
        switch self {
        case .string(let text): text
        case .secret(let secret): secret.plaintext
        default: nil
        }
    }

    public var isSecret: Bool { if case .secret = self { true } else { false } }
    public var intValue: Int? { if case .int(let number) = self { number } else { nil } }
    /// A number of either kind.
    public var numberValue: Double? {
        switch self {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }
    public var boolValue: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    public var listValue: [Value]? { if case .list(let items) = self { items } else { nil } }
    public var mapValue: [String: Value]? { if case .map(let entries) = self { entries } else { nil } }
}

extension Attributes {
    /// The resources that the values refer to, sorted, so that nothing follows from the order of a dictionary.
    public var references: [ResourceAddress] {
        var found: Set<ResourceAddress> = []
        for value in values { value.forEachReference { found.insert($0.address) } }
        return found.sorted()
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: Value...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, Value)...) {
        self = .map(Dictionary(elements) { _, last in last })
    }
}
