import CLibCrypto

/// A private key for ECDSA on the curve P-256, as PEM text (PKCS #8, RFC 5958).
public struct PrivateKey: Sendable, Hashable {
    /// The clear key.
    public let pem: String

    /// A new key from the operating system's random source.
    /// - Throws: `CertificateError.library` when no randomness is to be had.
    public static func make() throws(CertificateError) -> PrivateKey {
        let key = KeyHandle(osiris_make_p256_key())
        guard let pointer = key.pointer, let memory = BIO_new(BIO_s_mem()) else { throw .library("EVP_PKEY_Q_keygen") }
        defer { BIO_free(memory) }
        guard PEM_write_bio_PrivateKey(memory, pointer, nil, nil, 0, nil, nil) == 1 else {
            throw .library("PEM_write_bio_PrivateKey")
        }
        return PrivateKey(checked: memory.text)
    }

    /// The first private key in a text.
    /// - Throws: `CertificateError.malformed` if there is none.
    public init(pem: String) throws(CertificateError) {
        guard let block = PEMText.blocks(in: pem, "PRIVATE KEY").first else { throw .malformed("private key") }
        self.init(checked: block)
        guard KeyHandle(self).pointer != nil else { throw .malformed("private key") }
    }

    /// All private keys in a text, in their order.
    /// - Throws: `CertificateError.malformed` if one of them is none; an empty list is no fault.
    public static func all(in text: String) throws(CertificateError) -> [PrivateKey] {
        var found: [PrivateKey] = []
        for block in PEMText.blocks(in: text, "PRIVATE KEY") { found.append(try PrivateKey(pem: block)) }
        return found
    }

    private init(checked pem: String) { self.pem = pem }
}

extension PrivateKey: CustomStringConvertible, CustomReflectable {
    /// Keeps the key out of logs.
    public var description: String { "PrivateKey" }
    /// Keeps the key out of `dump` and of test failure messages.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Why a certificate or key could not be made or read. Never holds a key.
public enum CertificateError: Error, Hashable, Sendable {
    /// The text holds no such thing.
    case malformed(String)
    /// Neither an IP address nor a host name.
    case name(String)
    /// This call of libcrypto failed.
    case library(String)
}

/// One EVP_PKEY, owned by one function call.
struct KeyHandle: ~Copyable {
    let pointer: OpaquePointer?

    init(_ pointer: OpaquePointer?) { self.pointer = pointer }

    /// Nil inside if the text is no key.
    init(_ key: PrivateKey) {
        // The key is PEM without a passphrase: nobody is asked for one.
        pointer = PEMText.read(key.pem) { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in 0 }, nil) }
    }

    deinit { EVP_PKEY_free(pointer) }
}

/// PEM text (RFC 7468).
enum PEMText {
    /// The blocks of a label, each from its first line to its last.
    static func blocks(in text: String, _ label: String) -> [String] {
        let (first, last) = ("-----BEGIN \(label)-----", "-----END \(label)-----")
        var (found, block): ([String], [Substring]?) = ([], nil)
        for line in text.split(separator: "\n") {
            if line == first { block = [] }
            block?.append(line)
            if line == last, let whole = block {
                found.append(whole.joined(separator: "\n") + "\n")
                block = nil
            }
        }
        return found
    }

    static func read<Result>(_ text: String, _ body: (OpaquePointer) -> Result?) -> Result? {
        // A text that is none leaves an error behind, which is not the next call's.
        defer { ERR_clear_error() }
        // The BIO has no copy of the bytes: they have to stay until it has been read.
        return Array(text.utf8).withUnsafeBytes { bytes in
            guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { BIO_free(memory) }
            return body(memory)
        }
    }
}

extension OpaquePointer {
    /// What was written to this memory BIO.
    var text: String {
        var bytes: UnsafeMutablePointer<CChar>?
        let count = osiris_bio_bytes(self, &bytes)
        return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
