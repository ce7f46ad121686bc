import OsirisModel
import Testing

@testable import OsirisTransport

struct SigningKeyTests {
    /// RFC 8032, section 7.1, test 2: its secret key as PKCS #8, message and signature.
    private static let known = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7
        -----END PRIVATE KEY-----

        """
    private static let signature =
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

    @Test func signsAsTheStandardSays() throws {
        let key = try SigningKey(pem: Self.known)
        let signature = try key.signature(of: [0x72])
        #expect(Digest.hex(signature) == Self.signature)
        #expect(key.publicKey.verifies(signature, of: [0x72]))
    }

    @Test func anyOtherBitIsRefused() throws {
        let (key, other) = (try SigningKey.make(), try SigningKey.make())
        let message = Array("a bundle".utf8)
        let signature = try key.signature(of: message)
        #expect(key.publicKey.verifies(signature, of: message))
        #expect(!other.publicKey.verifies(signature, of: message))
        #expect(!key.publicKey.verifies(signature, of: message + [0]))
        #expect(!key.publicKey.verifies([], of: message))
        for bit in 0..<(signature.count * 8) {
            var changed = signature
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(!key.publicKey.verifies(changed, of: message), "bit \(bit)")
        }
    }

    @Test func keysAreReadBackAndOthersRefused() throws {
        let key = try SigningKey.make()
        #expect(try SigningKey(pem: key.pem).publicKey == key.publicKey)
        #expect(try VerifyingKey(pem: "text before\n" + key.publicKey.pem) == key.publicKey)
        let other = try PrivateKey.make()
        #expect(throws: CertificateError.malformed("ed25519 private key")) { try SigningKey(pem: other.pem) }
        #expect(throws: CertificateError.malformed("ed25519 private key")) { try SigningKey(pem: "") }
        #expect(throws: CertificateError.malformed("ed25519 public key")) { try VerifyingKey(pem: key.pem) }
        #expect("\(key)" == "SigningKey")
    }
}
