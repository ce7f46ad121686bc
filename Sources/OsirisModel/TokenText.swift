import Foundation

/// A hub token in the clear: `osr_`, its id, `_`, and 32 random bytes in base64url (RFC 4648, section 5).
///
/// The prefix lets people and scanners find one that leaked; the id says which one to revoke. Printing it shows both and
/// not the rest.
public struct TokenText: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
    /// What every token begins with.
    public static let prefix = "osr_"
    private static let idLetters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
    private static let idLength = 8
    /// 32 bytes in base64 without the `=` at the end.
    private static let randomLength = 43

    /// 8 of a-z and 0-9; no secret.
    public let id: String
    /// The whole token: secret.
    public let clear: String

    /// `sha256:` and 64 hexadecimal digits: all that a hub needs to know of it. The random part is too long to be found
    /// by trying, so no slower digest is needed.
    public var sha256: String { Digest.sha256(clear.utf8) }
    public var description: String { "\(Self.prefix)\(id)_(secret)" }
    public var debugDescription: String { description }

    /// A new one, from the system's generator.
    public init() {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<Self.idLength).compactMap { _ in Self.idLetters.randomElement(using: &generator) }
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let random = Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
        self.id = String(decoding: id, as: UTF8.self)
        clear = "\(Self.prefix)\(self.id)_\(random)"
    }

    /// Nil if the text has not the form of a token.
    public init?(_ text: some StringProtocol) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let rest = text.dropFirst(Self.prefix.count).utf8
        guard rest.count == Self.idLength + 1 + Self.randomLength else { return nil }
        let id = String(decoding: rest.prefix(Self.idLength), as: UTF8.self)
        guard Self.isID(id), rest.dropFirst(Self.idLength).first == UInt8(ascii: "_"),
            rest.suffix(Self.randomLength).allSatisfy(Self.isBase64URL)
        else { return nil }
        self.id = id
        clear = String(text)
    }

    /// True for what may be the id of a token.
    public static func isID(_ text: String) -> Bool {
        text.utf8.count == idLength && text.utf8.allSatisfy(idLetters.contains)
    }

    private static func isBase64URL(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
