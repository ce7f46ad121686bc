import OsirisModel

/// The body of `POST /system/tokens`: what token is wanted.
struct TokenOrder: Sendable {
    private static let unprinted: Set<Unicode.GeneralCategory> = [
        .control, .format, .surrogate, .privateUse, .unassigned,
    ]
    private static let keys: Set<String> = [
        "name", "role", "namespaces", "expiresInSeconds", "rate", "id", "sha256",
    ]

    var name: String
    var role: HubConfig.Role
    var namespaces: [String]?
    var expiresInSeconds: Int?
    var rate: Rate?
    var id: String
    var sha256: String
    /// The clear token, if the hub made it.
    var clear: String?

    /// Reads and checks the body. Who sends `id` and `sha256` made the token, and the hub never sees it in the clear.
    /// - Throws: `HubError` 400 with every fault in `details`.
    init(_ body: [UInt8]) throws {
        guard let document = try? Value(plainJSON: body) else {
            throw HubError(400, "bad_request", "The body is not JSON.")
        }
        var reader = FaultReader()
        let fields = reader.object(document, at: "body", keys: Self.keys).filter { $0.value != .null }
        name = reader.string(fields["name"], at: "name") ?? ""
        if !Self.isName(name) {
            reader.fault("name must be 1 to 100 printable characters, with no blank at either end.")
        }
        let word = reader.string(fields["role"], at: "role") ?? ""
        if HubConfig.Role(rawValue: word) == nil { reader.fault("role must be admin, deploy, invoke or read.") }
        role = HubConfig.Role(rawValue: word) ?? .read
        if fields["namespaces"] != nil {
            let names = reader.list(fields["namespaces"], at: "namespaces").enumerated().compactMap {
                reader.string($0.element, at: "namespaces[\($0.offset)]")
            }
            if !(1...100).contains(names.count) { reader.fault("namespaces must be a list of 1 to 100 names.") }
            for name in names where !FunctionName.isLabel(name) {
                reader.fault("namespaces: \(name.prefix(100)) is not a DNS label.")
            }
            namespaces = Set(names).sorted()
        }
        expiresInSeconds = reader.int(
            fields["expiresInSeconds"], at: "expiresInSeconds", in: 1...(100 * 366 * 86_400))
        rate = Self.rate(fields["rate"], &reader)
        (id, sha256) = ("", "")
        if fields["id"] == nil, fields["sha256"] == nil {
            let text = TokenText()
            (id, sha256, clear) = (text.id, text.sha256, text.clear)
        } else {
            id = reader.string(fields["id"], at: "id") ?? ""
            if !TokenText.isID(id) { reader.fault("id must be 8 of a-z and 0-9.") }
            sha256 = reader.string(fields["sha256"], at: "sha256") ?? ""
            if !HubConfig.Token.isDigest(sha256) { reader.fault("sha256 must be sha256: and 64 hexadecimal digits.") }
        }
        guard reader.faults.isEmpty else {
            throw HubError(400, "bad_request", reader.faults.joined(separator: " "), details: reader.faults)
        }
    }

    /// - Parameter now: seconds since 1970.
    func token(by caller: Caller, at now: Double) -> AccessToken {
        AccessToken(
            id: id, name: name, role: role, namespaces: namespaces, created: now, createdBy: caller.name,
            expires: expiresInSeconds.map { now + Double($0) }, lastUsed: nil, rate: rate, sha256: sha256)
    }

    private static func isName(_ text: String) -> Bool {
        (1...100).contains(text.unicodeScalars.count) && text.first != " " && text.last != " "
            && text.unicodeScalars.allSatisfy {
                $0 == " " || !($0.properties.isWhitespace || unprinted.contains($0.properties.generalCategory))
            }
    }

    private static func rate(_ value: Value?, _ reader: inout FaultReader) -> Rate? {
        guard let value else { return nil }
        let fields = reader.object(value, at: "rate", keys: ["perSecond", "burst"])
        let perSecond: Double? =
            switch fields["perSecond"] {
            case .int(let number): Double(number)
            case .double(let number): number
            default: nil
            }
        let rate = Rate(
            perSecond: perSecond ?? 0, burst: reader.int(fields["burst"], at: "rate.burst", in: 1...1_000_000))
        if !rate.isValid { reader.fault("rate.perSecond must be a number above 0, at most 1000000.") }
        return rate
    }
}
