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

    @Test func rolesAllowWhatTheySay() throws {
        let tokens = HubConfig.Role.allCases.map { HubConfig.Token(role: $0, sha256: Digest.sha256($0.rawValue.utf8)) }
        let access = Access(tokens: tokens)
        let allowed: [HubConfig.Role: Set<Permission>] = [
            .admin: [.read, .write, .invoke], .deploy: [.read, .write], .invoke: [.invoke], .read: [.read],
        ]
        for role in HubConfig.Role.allCases {
            for permission in Permission.allCases {
                let header = "Bearer \(role.rawValue)"
                if allowed[role]?.contains(permission) == true {
                    let caller = try access.caller(authorization: header, for: permission)
                    #expect(caller.role == role)
                } else {
                    #expect(throws: Access.forbidden) { try access.caller(authorization: header, for: permission) }
                }
            }
        }
        for header in [nil, "", "Bearer ", "Bearer nobody", "Basic admin", "admin"] {
            #expect(throws: Access.unknown) { try access.caller(authorization: header, for: .read) }
        }
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
}
