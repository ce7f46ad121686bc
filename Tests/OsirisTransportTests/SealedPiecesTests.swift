import Testing

@testable import OsirisTransport

struct SealedPiecesTests {
    private let key = [UInt8](repeating: 7, count: 32)
    private let context = Array("backup 1".utf8)

    private func seal(_ clear: [UInt8], inParts part: Int) throws -> [UInt8] {
        var pieces = SealedPieces(try Sealer(key: key), context: context)
        var sealed: [UInt8] = []
        var start = 0
        while start < clear.count {
            sealed += try pieces.seal(Array(clear[start..<min(start + part, clear.count)]))
            start += part
        }
        return sealed + (try pieces.sealEnd())
    }

    private func open(_ sealed: [UInt8], context: [UInt8]? = nil) throws -> [UInt8] {
        var pieces = SealedPieces(try Sealer(key: key), context: context ?? self.context)
        var clear: [UInt8] = []
        var rest = sealed[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(SealedPieces.sealedLength))
            rest = rest.dropFirst(piece.count)
            clear += try pieces.open(piece, isLast: rest.isEmpty)
        }
        return clear
    }

    @Test(arguments: [
        0, 1, SealedPieces.pieceLength - 1, SealedPieces.pieceLength, SealedPieces.pieceLength + 1,
        3 * SealedPieces.pieceLength,
    ])
    func whatWasSealedOpens(size: Int) throws {
        let clear = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let sealed = try seal(clear, inParts: 700_001)
        #expect(try open(sealed) == clear)
        #expect(SealedPieces.clearLength(sealed: sealed.count) == size)
    }

    @Test func aChangedMovedOrCutStringDoesNotOpen() throws {
        let length = SealedPieces.sealedLength
        let sealed = try seal([UInt8](repeating: 1, count: 2 * SealedPieces.pieceLength + 9), inParts: 1 << 20)
        for index in [0, length - 1, length, sealed.count - 1] {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: SealingError.rejected) { try open(changed) }
        }
        #expect(throws: SealingError.rejected) { try open(Array(sealed.prefix(2 * length))) }
        #expect(throws: SealingError.rejected) { try open(Array(sealed.prefix(length))) }
        let moved = sealed[length..<2 * length] + sealed[..<length] + sealed[(2 * length)...]
        #expect(throws: SealingError.rejected) { try open(Array(moved)) }
        #expect(throws: SealingError.rejected) { try open(sealed, context: Array("backup 2".utf8)) }
        #expect(SealedPieces.clearLength(sealed: length + 3) == nil)
        #expect(SealedPieces.clearLength(sealed: 0) == nil)
    }
}
