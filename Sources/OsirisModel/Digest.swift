import CLibCrypto
import Foundation

/// SHA-256 (FIPS 180-4) through OpenSSL's EVP interface (https://docs.openssl.org/3.0/man3/EVP_DigestInit/).
public enum Digest {
    /// `sha256:` and 64 lower-case hexadecimal digits.
    public static func sha256(_ bytes: some Sequence<UInt8>) -> String { "sha256:" + hex(sha256Bytes(bytes)) }

    /// The 32 raw bytes.
    public static func sha256Bytes(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let input = Array(bytes)
        var output = [UInt8](repeating: 0, count: 32)
        let done = EVP_Digest(input, input.count, &output, nil, EVP_sha256(), nil)
        precondition(done == 1, "OpenSSL has no SHA-256. This is a bug in osiris or a broken libcrypto.")
        return output
    }

    /// The digest of a file of any size, as `sha256` gives it. Blocks: an archive takes a second.
    /// - Throws: what opening and reading the file throws.
    public static func sha256(file path: String) throws -> String {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var done = EVP_DigestInit_ex(context, EVP_sha256(), nil)
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            done &= piece.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        }
        var output = [UInt8](repeating: 0, count: 32)
        done &= EVP_DigestFinal_ex(context, &output, nil)
        precondition(done == 1, "OpenSSL has no SHA-256. This is a bug in osiris or a broken libcrypto.")
        return "sha256:" + hex(output)
    }

    /// Lower-case hexadecimal.
    public static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Digest {
    /// HMAC-SHA-256 (RFC 2104), the 32 raw bytes.
    public static func hmacSHA256(key: some Sequence<UInt8>, _ message: some Sequence<UInt8>) -> [UInt8] {
        let (key, message) = (Array(key), Array(message))
        var output = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &output, &length)
        return output
    }
}
