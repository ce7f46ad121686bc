/// The shape of a mapping: of a resource type's attributes, or of one level of the manifest.
///
/// One schema is the single source for checking, diffing, `osiris schema`, `osiris explain` and the reference pages.
public struct Schema: Sendable {
    public var fields: [Field]

    public init(_ fields: [Field]) { self.fields = fields }

    public subscript(name: String) -> Field? { fields.first { $0.name == name } }
}

/// One key of a `Schema`.
public struct Field: Sendable {
    public enum Role: Sendable {
        /// Set by the user (or by expansion); compared with what exists.
        case argument
        /// Answered by the provider; unknown before the object exists.
        case computed
    }

    public var name: String
    public var type: FieldType
    public var role: Role
    public var required: Bool
    /// Used when an argument is absent.
    public var defaultValue: Value?
    public var secret: Bool
    /// A change of this argument means a new object.
    public var forcesReplacement: Bool
    /// An argument that counts when the object is made, and never again: what exists does not differ by it.
    public var onlyWhenMade: Bool
    /// The arguments whose update may change this computed attribute, which is then unknown in the plan; `*` for any. One
    /// that is renewed for an `expiry` names the attribute that has it.
    public var changesWith: [String]
    /// A list whose order says nothing, such as the addresses that may reach a machine.
    public var unordered: Bool
    /// A computed attribute that differs from read to read (uptime, load): never drift.
    public var volatile: Bool
    /// The argument without which this computed attribute is not there; nil for one that always is.
    public var presentWith: String?
    /// Says of an argument's old and new value whether an object that has the old one keeps it: for names that nobody reads,
    /// which were made from the target's name when the object was made. Nil for none.
    public var keeps: (@Sendable (_ old: Value, _ new: Value) -> Bool)?
    /// Set for a computed attribute that says when something of the object ends (RFC 3339, UTC).
    public var expiry: Expiry?
    /// One or two sentences in Markdown: what it is for, unit, range.
    public var doc: String
    /// A valid value as it would stand in YAML, shown in suggestions.
    public var example: String?

    public init(
        _ name: String, _ type: FieldType, role: Role = .argument, required: Bool = false,
        default defaultValue: Value? = nil, secret: Bool = false, forcesReplacement: Bool = false,
        onlyWhenMade: Bool = false,
        changesWith: [String] = [], unordered: Bool = false, volatile: Bool = false, presentWith: String? = nil,
        expiry: Expiry? = nil, keeps: (@Sendable (_ old: Value, _ new: Value) -> Bool)? = nil,
        doc: String, example: String? = nil
    ) {
        self.name = name
        self.type = type
        self.role = role
        self.required = required
        self.defaultValue = defaultValue
        self.secret = secret
        self.forcesReplacement = forcesReplacement
        self.onlyWhenMade = onlyWhenMade
        self.changesWith = changesWith
        self.unordered = unordered
        self.volatile = volatile
        self.presentWith = presentWith
        self.expiry = expiry
        self.keeps = keeps
        self.doc = doc
        self.example = example
    }
}

/// What a plan does about an end that comes nearer.
public struct Expiry: Sendable, Hashable {
    /// What ends, for people, such as `certificate`.
    public var what: String
    /// A plan warns when fewer days than this are left.
    public var warnDays: Int
    /// A plan updates the resource, which renews it, when fewer days than this are left.
    public var renewDays: Int

    public init(_ what: String, warnDays: Int, renewDays: Int) {
        self.what = what
        self.warnDays = warnDays
        self.renewDays = renewDays
    }
}

/// The type of a field, with the quantities of the manifest (`10s`, `128Mi`, `25%`).
public indirect enum FieldType: Sendable {
    case string
    case bool
    /// A whole number in this range.
    case int(ClosedRange<Int>)
    /// A number in this range, such as a probability.
    case number(ClosedRange<Double>)
    /// `10s`, `5m`, `1h30m`, `250ms`; the value is whole milliseconds as `.int`.
    case duration
    /// `128Mi`, `20Gi`, `1000`; the value is bytes as `.int`.
    case size
    /// `25%` or a whole number.
    case percentOrCount
    /// A name that is a DNS label: lower-case letters, digits, hyphens; at most 63.
    case name
    /// One of these strings.
    case choice([String])
    /// A path beside the manifest.
    case path(mustExist: PathKind)
    case list(of: FieldType)
    /// Free keys, one type of value.
    case map(of: FieldType)
    case object(Schema)
    /// Anything JSON can say, taken as it stands.
    case any

    public enum PathKind: Sendable { case folder, file, anything }
}
