import CLibCrypto

/// Seals short byte strings with AES-256-GCM (NIST SP 800-38D) under one key.
///
/// A sealed string is nonce (12 bytes), ciphertext (as long as the clear bytes), tag (16 bytes). Nonces are random, so
/// one key must not seal more than 2³² strings. A value type: may be used from any number of tasks.
public struct Sealer: Sendable {
    /// Bytes in a key.
    public static let keyLength = 32
    static let nonceLength = 12
    static let tagLength = 16

    private let key: [UInt8]

    /// - Parameter key: 32 random bytes.
    /// - Throws: `SealingError.keyLength` for any other length.
    public init(key: some Collection<UInt8>) throws(SealingError) {
        guard key.count == Self.keyLength else { throw .keyLength(key.count) }
        self.key = Array(key)
    }

    /// A key from the operating system's random source, through `RAND_bytes`.
    /// - Throws: `SealingError.library` when no randomness is to be had.
    public static func makeKey() throws(SealingError) -> [UInt8] { try random(keyLength) }

    /// Seals `clear`.
    /// - Parameter context: bound to the result but not in it, such as an address: opening needs the same.
    /// - Throws: `SealingError.library` when libcrypto fails.
    public func seal(_ clear: [UInt8], context: [UInt8]) throws(SealingError) -> [UInt8] {
        try seal(clear, context: context, nonce: Self.random(Self.nonceLength))
    }

    func seal(_ clear: [UInt8], context: [UInt8], nonce: [UInt8]) throws(SealingError) -> [UInt8] {
        let cipher = try GCM(key: key, nonce: nonce, encrypts: true)
        try cipher.authenticate(context)
        let text = try cipher.update(clear)
        try cipher.finish()
        return nonce + text + (try cipher.tag())
    }

    /// The clear bytes of what `seal` made.
    /// - Throws: `SealingError.rejected` for another key, another context or changed bytes; which of them cannot be told.
    public func open(_ sealed: [UInt8], context: [UInt8]) throws(SealingError) -> [UInt8] {
        guard sealed.count >= Self.nonceLength + Self.tagLength else { throw .rejected }
        let cipher = try GCM(key: key, nonce: Array(sealed.prefix(Self.nonceLength)), encrypts: false)
        try cipher.authenticate(context)
        let clear = try cipher.update(Array(sealed.dropFirst(Self.nonceLength).dropLast(Self.tagLength)))
        try cipher.expect(tag: Array(sealed.suffix(Self.tagLength)))
        do { try cipher.finish() } catch { throw .rejected }
        return clear
    }

    private static func random(_ count: Int) throws(SealingError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw .library("RAND_bytes") }
        return bytes
    }
}

extension Sealer: CustomStringConvertible, CustomReflectable {
    /// Keeps the key out of logs.
    public var description: String { "Sealer" }
    /// Keeps the key out of `dump` and of test failure messages.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Why bytes could not be sealed or opened. Never holds a key or clear bytes.
public enum SealingError: Error, Hashable, Sendable {
    /// A key that has this many bytes instead of 32.
    case keyLength(Int)
    /// Wrong key, wrong context or changed bytes.
    case rejected
    /// This call of libcrypto failed.
    case library(String)
}
