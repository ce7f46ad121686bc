import OsirisModel
import Testing

@testable import OsirisTransport

@Suite struct SealerTests {
    /// AES-256 vectors of "The Galois/Counter Mode of Operation" (McGrew, Viega), test cases 13 to 16, which NIST's
    /// SP 800-38D validation uses too: key, nonce, clear, context, ciphertext, tag.
    static let vectors: [[String]] = [
        [
            String(repeating: "0", count: 64), "000000000000000000000000", "", "", "",
            "530f8afbc74536b9a963b4f1c4cb738b",
        ],
        [
            String(repeating: "0", count: 64), "000000000000000000000000", "00000000000000000000000000000000", "",
            "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919",
        ],
        [
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            "",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            "b094dac5d93471bdec1a502270e3cc6c",
        ],
        [
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853bb2d551b",
        ],
    ]

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    @Test(arguments: vectors)
    func knownAnswers(vector: [String]) throws {
        let parts = vector.map(Self.bytes)
        let sealer = try Sealer(key: parts[0])
        let sealed = try sealer.seal(parts[2], context: parts[3], nonce: parts[1])
        #expect(Digest.hex(sealed) == vector[1] + vector[4] + vector[5])
        #expect(try sealer.open(sealed, context: parts[3]) == parts[2])
    }

    @Test func anyChangeIsRejected() throws {
        let sealer = try Sealer(key: try Sealer.makeKey())
        let clear = Array("CANARY".utf8)
        let sealed = try sealer.seal(clear, context: [1])
        #expect(try sealer.open(sealed, context: [1]) == clear)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: SealingError.rejected) { try sealer.open(changed, context: [1]) }
            #expect(throws: SealingError.rejected) { try sealer.open(Array(sealed.prefix(index)), context: [1]) }
        }
        #expect(throws: SealingError.rejected) { try sealer.open(sealed, context: [2]) }
        let other = try Sealer(key: try Sealer.makeKey())
        #expect(throws: SealingError.rejected) { try other.open(sealed, context: [1]) }
    }

    @Test func noncesDifferAndKeysStayHidden() throws {
        let key = try Sealer.makeKey()
        let sealer = try Sealer(key: key)
        let nonces = Set(try (0..<100).map { _ in try sealer.seal([], context: []).prefix(12) })
        #expect(nonces.count == 100)
        var text = "\(sealer)"
        dump(sealer, to: &text)
        #expect(!text.contains(String(describing: key).dropFirst().prefix(20)))
        #expect(throws: SealingError.keyLength(31)) { try Sealer(key: key.dropLast()) }
    }
}
