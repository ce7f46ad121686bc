import Testing

@testable import OsirisModel

struct AuditChainTests {
    /// A log of so many records.
    private func log(_ count: Int) -> [[String: Value]] {
        var head = AuditChain.Head.beginning
        return (1...count).map { number in
            let (record, next) = AuditChain.link(
                ["action": "deploy", "function": .string("demo/f\(number)")], after: head)
            head = next
            return record
        }
    }

    private func check(_ records: [[String: Value]], seen: AuditChain.Head? = nil) throws -> AuditCheck {
        var check = AuditCheck(seen: seen)
        for record in records { try check.add(.map(record)) }
        try check.finish()
        return check
    }

    private func broken(_ records: [[String: Value]], seen: AuditChain.Head? = nil) -> AuditCheck.Break? {
        do {
            _ = try check(records, seen: seen)
            return nil
        } catch { return error as? AuditCheck.Break }
    }

    private func head(_ record: [String: Value]) -> AuditChain.Head {
        AuditChain.Head(seq: record["seq"]?.intValue ?? 0, hash: record["hash"]?.stringValue ?? "")
    }

    @Test func aWholeLogPasses() throws {
        let records = log(5)
        let result = try check(records)
        #expect(result.count == 5 && result.head == head(records[4]))
        #expect(try check(records, seen: head(records[2])).head.seq == 5)
        #expect(try check(records, seen: head(records[4])).head.seq == 5)
        #expect(try check([]).count == 0)
    }

    @Test func anAlteredFieldIsFound() throws {
        for index in 0..<4 {
            for field in ["action", "function", "previous", "hash", "seq"] {
                var records = log(4)
                records[index][field] = field == "seq" ? 77 : "sha256:else"
                #expect(broken(records)?.seq == (field == "seq" ? 77 : index + 1), "\(field) of \(index)")
            }
            var records = log(4)
            records[index]["extra"] = true
            #expect(broken(records)?.seq == index + 1)
        }
    }

    /// A forger who knows the rule and gives the altered record a new hash is found at the next record.
    @Test func aRecordWithANewHashIsFoundAtTheNext() throws {
        var records = log(4)
        let previous = AuditChain.Head(seq: 1, hash: records[0]["hash"]?.stringValue ?? "")
        records[1] = AuditChain.link(["action": "nothing"], after: previous).record
        #expect(broken(records)?.seq == 3)
    }

    @Test func missingAndMovedRecordsAreFound() throws {
        var missing = log(5)
        missing.remove(at: 2)
        #expect(broken(missing) == .init(seq: 4, reason: "record 3 is missing before it"))
        var moved = log(5)
        moved.swapAt(1, 3)
        #expect(broken(moved)?.seq == 4)
        var twice = log(3)
        twice.append(twice[1])
        #expect(broken(twice)?.reason.contains("out of order") == true)
        let headless = Array(log(5).dropFirst(2))
        #expect(broken(headless)?.seq == 3)
    }

    @Test func aLogThatWasCutOffIsFoundByWhoSawMore() throws {
        let records = log(5)
        let cut = Array(records.dropLast(2))
        // The chain alone cannot tell.
        #expect(broken(cut) == nil)
        #expect(broken(cut, seen: head(records[4]))?.seq == 4)
        #expect(broken([], seen: head(records[4]))?.seq == 1)
    }

    @Test func aLogThatWasWrittenAnewIsFoundByWhoSawTheOld() throws {
        let old = log(3)
        var head = AuditChain.Head.beginning
        let new = (1...5).map { _ in
            let (record, next) = AuditChain.link(["action": "harmless"], after: head)
            head = next
            return record
        }
        #expect(broken(new) == nil)
        #expect(broken(new, seen: self.head(old[2]))?.seq == 3)
    }

    @Test func oldRecordsMayGoWhenOneSaysSo() throws {
        let records = log(6)
        let removal: [String: Value] = [
            "action": .string(AuditChain.removal), "through": 4, "throughHash": records[3]["hash"] ?? .null,
        ]
        let last = AuditChain.link(removal, after: head(records[5])).record
        let kept = Array(records.dropFirst(4)) + [last]
        #expect(try check(kept).count == 3)
        // One more than it says.
        #expect(broken(Array(kept.dropFirst()))?.seq == 6)
        #expect(try check(kept, seen: head(records[1])).hasOutgrownWhatWasSeen)
        #expect(try !check(kept, seen: head(records[3])).hasOutgrownWhatWasSeen)
        #expect(broken(kept, seen: AuditChain.Head(seq: 4, hash: "sha256:else"))?.seq == 5)
    }
}
