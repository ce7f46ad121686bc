import OsirisModel
import OsirisTransport

/// Says whether the secrets in an attribute of a type are kept sealed, because osiris made them and cannot ask again.
public typealias SealingRule = @Sendable (_ type: String, _ attribute: String) -> Bool

/// Seals and opens the clear secrets of one record.
///
/// The sealed bytes are JSON from digest to clear text, so a secret is found again wherever in an attribute it stands.
enum RecordSealing {
    /// True if the record has a clear secret to keep.
    static func isNeeded(_ record: ResourceRecord, rule: SealingRule) -> Bool { !kept(record, rule).isEmpty }

    /// - Throws: `SealingError` if libcrypto fails.
    static func seal(_ record: ResourceRecord, rule: SealingRule, sealer: Sealer) throws -> [UInt8] {
        try sealer.seal(Value.map(kept(record, rule)).json(), context: context(record.address.text))
    }

    private static func kept(_ record: ResourceRecord, _ rule: SealingRule) -> [String: Value] {
        var secrets: [String: Value] = [:]
        for (name, value) in record.attributes where rule(record.type, name) {
            value.forEachSecret { secret in
                if let plaintext = secret.plaintext { secrets[secret.digest] = .string(plaintext) }
            }
        }
        return secrets
    }

    /// Puts the clear secrets back.
    /// - Parameter sealers: the keys it may be sealed under.
    /// - Throws: `SealingError` if none opens it, or `JSONError` if what was sealed is not ours.
    static func open(
        _ sealed: [UInt8], address: String, attributes: Attributes, sealers: [Sealer]
    ) throws -> Attributes {
        let clear = sealers.lazy.compactMap { try? $0.open(sealed, context: context(address)) }.first
        guard let clear, case .map(let secrets) = try Value(json: clear) else { throw SealingError.rejected }
        return attributes.mapValues { value in
            value.mappingSecrets { Secret(digest: $0.digest, plaintext: secrets[$0.digest]?.stringValue) }
        }
    }

    private static func context(_ address: String) -> [UInt8] { Array(("osiris:" + address).utf8) }
}
