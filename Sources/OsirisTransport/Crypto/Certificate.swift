import CLibCrypto
import Foundation
import OsirisModel

/// An X.509 certificate (RFC 5280) as PEM text, and what it says.
public struct Certificate: Sendable, Hashable {
    public let pem: String
    public let notBefore: Date
    public let notAfter: Date
    /// `sha256:` and the digest of its DER form, in lower-case hexadecimal.
    public let fingerprint: String

    /// The first certificate in a text.
    /// - Throws: `CertificateError.malformed` if there is none.
    public init(pem: String) throws(CertificateError) {
        guard let block = PEMText.blocks(in: pem, "CERTIFICATE").first else { throw .malformed("certificate") }
        let handle = CertificateHandle(pem: block)
        guard let pointer = handle.pointer, let begin = Self.date(X509_get0_notBefore(pointer)),
            let end = Self.date(X509_get0_notAfter(pointer))
        else { throw .malformed("certificate") }
        self.pem = block
        (notBefore, notAfter) = (begin, end)
        var der: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(pointer, &der)
        defer { CRYPTO_free(der, #file, #line) }
        fingerprint = Digest.sha256(Array(UnsafeBufferPointer(start: der, count: max(0, Int(count)))))
    }

    /// All certificates in a text, in their order.
    /// - Throws: `CertificateError.malformed` if one of them is none; an empty list is no fault.
    public static func all(in text: String) throws(CertificateError) -> [Certificate] {
        var found: [Certificate] = []
        for block in PEMText.blocks(in: text, "CERTIFICATE") { found.append(try Certificate(pem: block)) }
        return found
    }

    /// True if `authority` names it and its key signed it. Says nothing about dates.
    public func isSigned(by authority: Certificate) -> Bool {
        let mine = CertificateHandle(pem: pem)
        let theirs = CertificateHandle(pem: authority.pem)
        guard let certificate = mine.pointer, let issuer = theirs.pointer,
            X509_check_issued(issuer, certificate) == X509_V_OK
        else { return false }
        defer { ERR_clear_error() }
        return X509_verify(certificate, X509_get0_pubkey(issuer)) == 1
    }

    /// True if it certifies this key.
    public func certifies(_ key: PrivateKey) -> Bool {
        let mine = CertificateHandle(pem: pem)
        let theirs = KeyHandle(key)
        guard let certificate = mine.pointer, let key = theirs.pointer else { return false }
        defer { ERR_clear_error() }
        return X509_check_private_key(certificate, key) == 1
    }

    /// True if it is for this IP address or host name.
    public func isFor(_ name: String) -> Bool {
        let handle = CertificateHandle(pem: pem)
        guard let pointer = handle.pointer else { return false }
        return X509_check_ip_asc(pointer, name, 0) == 1 || X509_check_host(pointer, name, 0, 0, nil) == 1
    }

    private static func date(_ time: UnsafePointer<ASN1_TIME>?) -> Date? {
        var fields = tm()
        guard let time, ASN1_TIME_to_tm(time, &fields) == 1 else { return nil }
        return Date(timeIntervalSince1970: TimeInterval(timegm(&fields)))
    }
}

/// One X509, owned by one function call.
struct CertificateHandle: ~Copyable {
    let pointer: OpaquePointer?

    init(_ pointer: OpaquePointer?) { self.pointer = pointer }

    /// Nil inside if the text is no certificate.
    init(pem: String) { pointer = PEMText.read(pem) { PEM_read_bio_X509($0, nil, nil, nil) } }

    deinit { X509_free(pointer) }
}
