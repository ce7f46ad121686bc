import CLibCrypto
import Foundation
import OsirisModel

/// A certificate that is being made: https://docs.openssl.org/3.0/man3/X509_new/.
///
/// Owned by one function call and never shared; freed when it goes out of scope.
struct CertificateDraft: ~Copyable {
    private let certificate: CertificateHandle
    private var issuer = CertificateHandle(nil)
    var isSelfSigned = false

    private var pointer: OpaquePointer? { certificate.pointer }

    /// - Parameter key: whose public half is certified.
    init(key: PrivateKey, from begin: Date, to end: Date) throws(CertificateError) {
        certificate = CertificateHandle(X509_new())
        let handle = KeyHandle(key)
        guard let pointer = certificate.pointer, let key = handle.pointer else { throw .library("X509_new") }
        // 2 stands for version 3.
        guard X509_set_version(pointer, 2) == 1, X509_set_pubkey(pointer, key) == 1,
            ASN1_TIME_set(X509_getm_notBefore(pointer), time_t(begin.timeIntervalSince1970)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(pointer), time_t(end.timeIntervalSince1970)) != nil
        else { throw .library("X509_set_pubkey") }
        try setSerial()
    }

    /// 127 random bits: positive, as RFC 5280 4.1.2.2 wants it, and never guessed.
    private func setSerial() throws(CertificateError) {
        var bytes = try Self.random(16)
        bytes[0] = bytes[0] & 0x3F | 0x40
        let number = BN_bin2bn(bytes, 16, nil)
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil else {
            throw .library("BN_to_ASN1_INTEGER")
        }
    }

    /// Sets `O=osiris, CN=commonName`.
    func setSubject(_ commonName: String) throws(CertificateError) {
        let name = X509_get_subject_name(pointer)
        for (field, text) in [("O", "osiris"), ("CN", commonName)] {
            guard
                X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, Array(text.utf8), Int32(text.utf8.count), -1, 0)
                    == 1
            else { throw .library("X509_NAME_add_entry_by_txt") }
        }
    }

    mutating func setIssuer(_ authority: Certificate) throws(CertificateError) {
        issuer = CertificateHandle(pem: authority.pem)
        if issuer.pointer == nil { throw .malformed("certificate") }
    }

    /// Adds an extension, its value in OpenSSL's spelling: https://docs.openssl.org/3.0/man5/x509v3_config/.
    /// Key identifiers need the issuer to be set.
    func extend(_ nid: Int32, _ value: String) throws(CertificateError) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer.pointer ?? pointer, pointer, nil, nil, 0)
        guard let found = X509V3_EXT_conf_nid(nil, &context, nid, value) else { throw .library("X509V3_EXT_conf_nid") }
        defer { X509_EXTENSION_free(found) }
        guard X509_add_ext(pointer, found, -1) == 1 else { throw .library("X509_add_ext") }
    }

    /// The certificate, signed by its issuer's key.
    func signed(with key: PrivateKey) throws(CertificateError) -> Certificate {
        let handle = KeyHandle(key)
        let name = X509_get_subject_name(isSelfSigned ? pointer : issuer.pointer)
        guard X509_set_issuer_name(pointer, name) == 1, X509_sign(pointer, handle.pointer, EVP_sha256()) > 0 else {
            throw .library("X509_sign")
        }
        guard let memory = BIO_new(BIO_s_mem()) else { throw .library("BIO_new") }
        defer { BIO_free(memory) }
        guard PEM_write_bio_X509(memory, pointer) == 1 else { throw .library("PEM_write_bio_X509") }
        return try Certificate(pem: memory.text)
    }

    static func randomHex(_ count: Int) throws(CertificateError) -> String { Digest.hex(try random(count)) }

    private static func random(_ count: Int) throws(CertificateError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw .library("RAND_bytes") }
        return bytes
    }
}
