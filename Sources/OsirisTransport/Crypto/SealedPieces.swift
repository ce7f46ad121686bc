/// Seals a byte string of any length piece by piece, each with AES-256-GCM.
///
/// Every piece is bound to the whole by `context`, to its place by its number, and the last one to being the last: a
/// piece that was changed, moved, left out or cut off does not open. (The idea of STREAM: Hoang, Reyhanitabar, Rogaway,
/// Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", https://eprint.iacr.org/2015/189.)
public struct SealedPieces: Sendable {
    /// Clear bytes of each piece but the last, which may have fewer.
    public static let pieceLength = 1 << 20
    /// Sealed bytes of such a piece.
    public static let sealedLength = pieceLength + Sealer.nonceLength + Sealer.tagLength

    private let sealer: Sealer
    private let context: [UInt8]
    private var number = 0
    private var rest: [UInt8] = []

    /// - Parameter context: names the whole, such as a random id; not in the result.
    public init(_ sealer: Sealer, context: [UInt8]) {
        self.sealer = sealer
        self.context = context
    }

    /// Takes clear bytes.
    /// - Returns: the sealed pieces that are complete.
    /// - Throws: `SealingError.library`.
    public mutating func seal(_ clear: [UInt8]) throws(SealingError) -> [UInt8] {
        rest += clear
        var sealed: [UInt8] = []
        // Whether a piece is the last one shows when more comes.
        while rest.count > Self.pieceLength {
            sealed += try sealer.seal(Array(rest.prefix(Self.pieceLength)), context: next(isLast: false))
            rest.removeFirst(Self.pieceLength)
        }
        return sealed
    }

    /// Takes the end.
    /// - Returns: the last sealed piece.
    /// - Throws: `SealingError.library`.
    public mutating func sealEnd() throws(SealingError) -> [UInt8] {
        try sealer.seal(rest, context: next(isLast: true))
    }

    /// Opens the next piece.
    /// - Parameters:
    ///   - piece: `sealedLength` bytes, or what is left.
    ///   - isLast: true for the one at the end.
    /// - Throws: `SealingError.rejected`.
    public mutating func open(_ piece: [UInt8], isLast: Bool) throws(SealingError) -> [UInt8] {
        try sealer.open(piece, context: next(isLast: isLast))
    }

    /// How many clear bytes so many sealed ones hold; nil if no sealed string has that length.
    public static func clearLength(sealed: Int) -> Int? {
        let overhead = sealedLength - pieceLength
        let pieces = (sealed + sealedLength - 1) / sealedLength
        guard pieces > 0, sealed - (pieces - 1) * sealedLength >= overhead else { return nil }
        return sealed - pieces * overhead
    }

    private mutating func next(isLast: Bool) -> [UInt8] {
        defer { number += 1 }
        return context + Array(" \(number) \(isLast ? "last" : "more")".utf8)
    }
}
