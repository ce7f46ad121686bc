import OsirisTransport
import Testing

/// Answers of AWS and of S3.
struct XMLNodeTests {
    @Test func whiteSpaceThatLaysItOutIsLeftOut() {
        let root = XMLNode(
            parsing: Array(
                "<a>\r\n  <b>\n\t two  words \n</b>\n  <c> \n </c><e> x </e><f> </f><d>\u{A0}é\u{301} </d>\n</a>".utf8))
        #expect(root?.text("b") == "two  words")
        #expect(root?.text("c") == "")
        #expect(root?.text("d") == "\u{A0}é\u{301} ")
        #expect(root?.text("e") == " x " && root?.text("f") == " ")
        #expect(root?.text == "")
        #expect(root?.text("g") == nil)
    }

    /// Texts come from the parser in pieces, cut at entities and elsewhere.
    @Test func aLargeAnswerIsWhatWasSent() {
        let texts = (0..<5_000).map { number in String(repeating: "ü€😀&<]]>", count: number % 17) + "end \(number)" }
        let items = texts.map { text in
            let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            return "<item><value>\(escaped)</value></item>"
        }
        let root = XMLNode(parsing: Array("<answer><set>\(items.joined())</set></answer>".utf8))
        #expect(root?.items("set").map { $0.text("value") } == texts)
    }

    @Test(arguments: ["", " ", "text", "{}", "<a>", "<a></b>", "<a>&nothing;</a>", "<a/><b/>", "<a/>b"])
    func whatIsNotOneWholeElementIsNoAnswer(text: String) {
        #expect(XMLNode(parsing: Array(text.utf8)) == nil)
    }
}
