import CLibCrypto
import OsirisModel

/// A private key for Ed25519 signatures (RFC 8032), as PEM text (PKCS #8, RFC 5958).
///
/// `openssl genpkey -algorithm ed25519` makes one.
public struct SigningKey: Sendable {
    /// The clear key.
    public let pem: String
    /// What others check its signatures with.
    public let publicKey: VerifyingKey

    /// A new key from the operating system's random source.
    /// - Throws: `CertificateError.library` when no randomness is to be had.
    public static func make() throws(CertificateError) -> SigningKey {
        let key = KeyHandle(osiris_make_ed25519_key())
        guard let pointer = key.pointer, let memory = BIO_new(BIO_s_mem()) else { throw .library("EVP_PKEY_Q_keygen") }
        defer { BIO_free(memory) }
        guard PEM_write_bio_PrivateKey(memory, pointer, nil, nil, 0, nil, nil) == 1 else {
            throw .library("PEM_write_bio_PrivateKey")
        }
        return try SigningKey(pem: memory.text)
    }

    /// The first private key in a text.
    /// - Throws: `CertificateError.malformed` if there is none, it has a passphrase or is of another kind.
    public init(pem: String) throws(CertificateError) {
        guard let key = try? PrivateKey(pem: pem) else { throw .malformed("ed25519 private key") }
        let handle = KeyHandle(key)
        guard let pointer = handle.pointer, EVP_PKEY_get_id(pointer) == NID_ED25519,
            let memory = BIO_new(BIO_s_mem())
        else { throw .malformed("ed25519 private key") }
        defer { BIO_free(memory) }
        guard PEM_write_bio_PUBKEY(memory, pointer) == 1 else { throw .library("PEM_write_bio_PUBKEY") }
        self.pem = key.pem
        publicKey = try VerifyingKey(pem: memory.text)
    }

    /// 64 bytes; the same for the same message.
    /// - Throws: `CertificateError.library`.
    public func signature(of message: [UInt8]) throws(CertificateError) -> [UInt8] {
        let key = KeyHandle(PEMText.read(pem) { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in 0 }, nil) })
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: VerifyingKey.signatureLength)
        var length = signature.count
        guard EVP_DigestSignInit(context, nil, nil, nil, key.pointer) == 1,
            EVP_DigestSign(context, &signature, &length, message, message.count) == 1, length == signature.count
        else { throw .library("EVP_DigestSign") }
        return signature
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    /// Keeps the key out of logs.
    public var description: String { "SigningKey" }
    /// Keeps the key out of `dump` and of test failure messages.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A public key for Ed25519 signatures, as PEM text (SubjectPublicKeyInfo, RFC 8410).
public struct VerifyingKey: Sendable, Hashable {
    public static let signatureLength = 64

    public let pem: String
    /// `sha256:` and the digest of its DER form, in lower-case hexadecimal.
    public let fingerprint: String

    /// The first public key in a text.
    /// - Throws: `CertificateError.malformed` if there is none, or it is of another kind.
    public init(pem: String) throws(CertificateError) {
        guard let block = PEMText.blocks(in: pem, "PUBLIC KEY").first else { throw .malformed("ed25519 public key") }
        let key = KeyHandle(Self.read(block))
        guard let pointer = key.pointer, EVP_PKEY_get_id(pointer) == NID_ED25519 else {
            throw .malformed("ed25519 public key")
        }
        var der: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(pointer, &der)
        defer { CRYPTO_free(der, #file, #line) }
        self.pem = block
        fingerprint = Digest.sha256(Array(UnsafeBufferPointer(start: der, count: max(0, Int(count)))))
    }

    /// True if the key's owner signed this very message.
    public func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        let key = KeyHandle(Self.read(pem))
        let context = EVP_MD_CTX_new()
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        return EVP_DigestVerifyInit(context, nil, nil, nil, key.pointer) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    private static func read(_ pem: String) -> OpaquePointer? {
        PEMText.read(pem) { PEM_read_bio_PUBKEY($0, nil, nil, nil) }
    }
}
