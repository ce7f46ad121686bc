import OsirisModel
import Testing

@testable import OsirisHub

@Suite struct PlainPartsTests {
    @Test func linesAreCutAcrossReadsAndLongOnesDropped() {
        var framer = LineFramer(limit: 4)
        #expect(framer.feed(Array("ab".utf8)) == [])
        #expect(framer.feed(Array("cd\nx\n\ny".utf8)) == [.line(Array("abcd".utf8)), .line([0x78]), .line([])])
        #expect(framer.feed(Array("12345".utf8)) == [.overflow])
        #expect(framer.feed(Array("678\nok\n".utf8)) == [.line(Array("ok".utf8))])
        #expect(framer.finish() == nil)
        #expect(framer.feed(Array("z".utf8)) == [])
        #expect(framer.finish() == Array("z".utf8))
    }

    @Test func aDocumentIsPutOnOneLine() {
        #expect(HubJSON.oneLine(Array("{\n\"a\":\r\n1}".utf8)) == Array("{ \"a\":  1}".utf8))
        #expect(HubJSON.oneLine(Array(" \n".utf8)) == Array("{}".utf8))
        #expect(HubJSON.oneLine(Array("{a:1}".utf8)) == nil)
        #expect(HubJSON.oneLine([0x22, 0xFF, 0x22]) == nil)
        #expect(HubJSON.oneLine([0x31, 0x00]) == nil)
    }

    @Test func startTimeIsReadPastAProgramNameWithBlanksAndParentheses() {
        let rest = (3...30).map { $0 == 3 ? "S" : String($0) }.joined(separator: " ")
        #expect(ProcessStat(text: "7 (a ) b) \(rest)")?.startTime == 22)
        #expect(ProcessStat(text: "nonsense") == nil)
    }

    @Test func theQueueIsFairAndBounded() {
        var queue = CallQueue<Int>(bound: 3)
        let tickets = (0..<3).map { number in
            let ticket = queue.ticket()
            let entered = queue.enter(ticket, number)
            #expect(entered)
            return ticket
        }
        let late = queue.ticket()
        let overflowed = !queue.enter(late, -1)
        #expect(overflowed)
        #expect(queue.next() == 0)
        #expect(queue.leave(tickets[1]) == 1)
        #expect(queue.leave(tickets[1]) == nil)
        #expect(queue.next() == 2)
    }

    @Test func aCatalogRowFromBeforeScalingIsRead() throws {
        let row = """
            {"name":{"namespace":"demo","name":"f"},"runtime":"command","handler":"","command":["cat"],"alwaysOn":false,\
            "scale":{"min":3},"limits":{"timeoutMs":10000,"outputBytes":1048576},"env":{},"secretDigests":{},\
            "annotations":{}}
            """
        let spec = try HubJSON.decode(FunctionSpec.self, Array(row.utf8))
        #expect(spec.scale == .init(min: 3, max: 3, concurrency: 1, idleMs: 300_000))
        #expect(try HubJSON.decode(FunctionSpec.self, HubJSON.encode(spec)) == spec)
    }

    @Test func labels() {
        for good in ["a", "a-b", "0", String(repeating: "x", count: 63)] { #expect(FunctionName.isLabel(good)) }
        for bad in ["", "-a", "a-", "A", "a.b", "ä", "a/b", String(repeating: "x", count: 64)] {
            #expect(!FunctionName.isLabel(bad))
        }
    }

    /// What is killed while it prints leaves the beginning of a line, and may leave that of a secret.
    @Test func theBeginningOfASecretAtTheEndIsTakenOut() {
        let redaction = Redaction(secrets: ["s3cret-value", "s3cret-other"])
        #expect(redaction.apply("a s3cret-value, s3cret-o") == "a (secret), (secret)")
        #expect(redaction.apply("s3cr") == "(secret)")
        #expect(redaction.apply("s3c") == "s3c" && redaction.apply("s3cret nothing") == "s3cret nothing")
    }
}
