import Foundation
import OsirisModel
import Testing

@Suite struct TokenTextTests {
    @Test func aTokenIsFoundAgainByItsForm() throws {
        let tokens = (0..<200).map { _ in TokenText() }
        #expect(Set(tokens.map(\.id)).count == 200 && Set(tokens.map(\.clear)).count == 200)
        for token in tokens {
            #expect(token.clear.wholeMatch(of: #/osr_[a-z0-9]{8}_[A-Za-z0-9_\-]{43}/#) != nil)
            #expect(TokenText(token.clear) == token)
            #expect(TokenText.isID(token.id))
            #expect(token.sha256 == Digest.sha256(token.clear.utf8))
        }
    }

    @Test func whatHasNotTheFormIsNone() throws {
        let clear = TokenText().clear
        let others = [
            "", "osr_", String(clear.dropLast()), clear + "A", clear.uppercased(), "x" + clear.dropFirst(),
            clear.replacingOccurrences(of: "osr_", with: "osr_A").dropLast().description, clear.dropLast() + "+",
            clear.dropLast() + "é",
        ]
        for text in others { #expect(TokenText(text) == nil, "\(text.count) characters") }
        for id in ["", "abcdefg", "abcdefghi", "ABCDEFGH", "abc/../x", "abcdéfg"] { #expect(!TokenText.isID(id)) }
    }

    @Test func printingOneShowsNoSecret() {
        let token = TokenText()
        for text in ["\(token)", String(reflecting: token), "\([token])"] {
            #expect(text.contains(token.id) && !text.contains(token.clear.suffix(43)))
        }
    }
}
