/// Canonical JSON (RFC 8259) of values: sorted keys, no spaces, shortest numbers, so equal values give equal bytes.
///
/// What JSON cannot say is an object with one reserved key:
///
/// | value | JSON |
/// |---|---|
/// | `.secret` | `{"$secret":"hmac-sha256:…"}`: the digest, never the clear value |
/// | `.unknown` | `{"$unknown":true}` |
/// | `.reference` | `{"$reference":["here/hub.here","url"]}` |
/// | `.double` that is not finite | `{"$double":"nan"}`, `"inf"`, `"-inf"` |
/// | a map whose only key starts with `$`, or that has a key `$map` | `{"$map":{…}}`, so it is not mistaken for these |
///
/// A whole number that fits `Int` is read as `.int`, any other number as `.double`; `.double(3)` is written `3.0`.
extension Value {
    /// Reads canonical JSON, or any other JSON document.
    ///
    /// A clear secret never comes back: `{"$secret":…}` gives a `Secret` with a digest only.
    /// - Throws: `JSONError` at the first byte that is not strict RFC 8259, at a repeated key, at nesting deeper than
    ///   200 levels, at a number beyond `Double`, and at a reserved key with a malformed value.
    public init(json bytes: some Collection<UInt8>) throws(JSONError) {
        self = try JSONReader.read(bytes, reservedKeys: true)
    }

    /// Reads JSON written by others, such as the answer of a service: no key is reserved, so no remote text can become
    /// a secret, an unknown value or a reference.
    /// - Throws: `JSONError` as for `init(json:)`.
    public init(plainJSON bytes: some Collection<UInt8>) throws(JSONError) {
        self = try JSONReader.read(bytes, reservedKeys: false)
    }

    /// Canonical JSON as UTF-8.
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    /// Canonical JSON.
    public var jsonText: String { String(decoding: json(), as: UTF8.self) }

    /// The same document with line breaks and two spaces for each level; empty lists and maps stay on one line.
    public var prettyJSONText: String {
        var writer = JSONWriter(pretty: true)
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// JSON for others to read: like `json()`, but a map whose only key starts with `$` is written as it stands.
    ///
    /// A secret is written as its digest here too; a provider that must send the clear value puts it in as `.string`.
    public func plainJSON() -> [UInt8] {
        var writer = JSONWriter(escapesReserved: false)
        writer.write(self)
        return writer.bytes
    }
}

/// Why bytes are not a JSON document, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Zero-based offset of the first byte that does not fit; the length of the document when it ends too early.
    public var offset: Int
    /// What is wrong, in a few words without a full stop. Never a part of the document, which may hold a secret.
    public var reason: String

    public init(offset: Int, reason: String) {
        self.offset = offset
        self.reason = reason
    }

    public var description: String { "invalid JSON at byte \(offset): \(reason)" }
}
