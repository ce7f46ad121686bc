import Foundation
import OsirisDiagnostics
import OsirisModel
import Testing

@testable import OsirisState

/// A shared state on a service that loses answers, is away, or lets a former holder write.
@Suite(.enabled(if: Child.path == nil)) struct SharedFaultTests {
    let store = FaultyStore()

    func open() -> StateStore { .open(store) }

    @Test(arguments: [MemoryStore.Fault.answerLost, .requestLost])
    func aLostAnswerIsAskedForAgain(fault: MemoryStore.Fault) async throws {
        store.inner.fail(fault)
        let session = try await open().begin(.test)
        for number in 0..<5 {
            store.inner.fail(fault)
            try await session.create(.sample(number))
        }
        store.inner.fail(fault)
        try await session.end(.succeeded)
        let snapshot = try await open().snapshot()
        #expect(snapshot.resources.count == 5 && snapshot.intents.isEmpty && snapshot.serial == 5)
        #expect(try await open().applies(limit: 5).map(\.counts) == [[.created: 5]])
        #expect(try await open().lockHolder() == nil)
    }

    @Test(arguments: [MemoryStore.Fault.answerLost, .requestLost])
    func theLockIsTakenAlthoughAnAnswerIsLost(fault: MemoryStore.Fault) async throws {
        try await open().begin(.test).end(.succeeded)
        // The first write of a run to a state that exists is the lock.
        store.inner.fail(fault)
        try await open().begin(.test).end(.succeeded)
        #expect(try await open().applies(limit: 5).map(\.outcome) == [.succeeded, .succeeded])
    }

    @Test func aSilentServiceIsWaitedForAndThenSaidSo() async throws {
        let session = try await open().begin(.test)
        try await session.create(.sample(1))
        store.inner.refuse(calls: 3)
        try await session.create(.sample(2))
        store.fallSilent()
        let intent = StateEntry.intent(Intent("a", .create, of: .sample(3)))
        let error = await #expect(throws: DiagnosticsError.self) { try await session.record(intent) }
        #expect(error?.diagnostics.map(\.code) == [.stateWrite])
        #expect(error?.diagnostics.first?.message.contains("\(store.location) cannot be reached") == true)
        #expect(await codes { _ = try await open().snapshot() } == [.stateUnreadable])
        store.answerAgain()
        // The same entry again, and what follows from it.
        try await session.record(intent)
        try await session.record(.succeeded(token: "a", record: .sample(3)))
        try await session.end(.succeeded)
        let snapshot = try await open().snapshot()
        #expect(snapshot.resources.count == 3 && snapshot.intents.isEmpty && snapshot.serial == 3)
    }

    /// A write that was given up lands all the same: the caller tries again and nothing is there twice.
    @Test func aWriteThatLandsAfterItWasGivenUp() async throws {
        let session = try await open().begin(.test)
        let intent = StateEntry.intent(Intent("a", .create, of: .sample(1)))
        store.loseAnswer()
        store.fallSilent(afterCalls: 1)
        #expect(await codes { try await session.record(intent) } == [.stateWrite])
        store.answerAgain()
        try await session.record(intent)
        try await session.record(.succeeded(token: "a", record: .sample(1)))
        // Here nobody tries again; the next commit finds it.
        store.loseAnswer()
        store.fallSilent(afterCalls: 1)
        #expect(await codes { try await session.record(.note(nil, text: "once")) } == [.stateWrite])
        store.answerAgain()
        try await session.record(.note(nil, text: "later"))
        try await session.end(.succeeded)
        #expect(try await open().snapshot().resources.count == 1)
        #expect(try await open().events(ofApply: 1).map(\.text) == ["", "once", "later"])
    }

    @Test func aFormerHolderWritesNothingWhereNoLeaseIsChecked() async throws {
        let old = try await open().begin(.test)
        try await old.create(.sample(1))
        store.inner.advance(by: .seconds(60))
        let new = try await open().begin(.test)
        #expect(await codes { try await old.create(.sample(2)) } == [.lockLost])
        try await new.create(.sample(3))
        try await new.end(.succeeded)
        let names = try await open().snapshot().resources.keys.map(\.text).sorted()
        #expect(names == [ResourceRecord.sample(1).address.text, ResourceRecord.sample(3).address.text])
    }

    /// What a killed writer left of a large commit counts for nothing.
    @Test func largeCommitsAreSliced() async throws {
        let small = FaultyStore(maxValueSize: 2_000)
        let session = try await StateStore.open(small).begin(.test)
        var large = ResourceRecord.sample(1)
        large.attributes["text"] = .string(String(repeating: "large ", count: 5_000))
        try await session.record(.observed(.sample(1)))
        let before = try await small.list("log/", after: nil).count
        try await session.record(.observed(large))
        let slices = try await small.list("log/", after: nil).count - before
        #expect(slices > 20)
        #expect(try await StateStore.open(small).snapshot().resources[large.address] == large)
        var larger = large
        larger.attributes["version"] = 2
        small.fallSilent(afterCalls: 5)
        #expect(await codes { try await session.record(.observed(larger)) } == [.stateWrite])
        small.answerAgain()
        #expect(try await StateStore.open(small).snapshot().resources[large.address] == large)
        try await session.record(.observed(.sample(2)))
        #expect(try await StateStore.open(small).snapshot().resources.count == 2)
        // The last slice lands although it was given up.
        small.loseAnswer(afterWrites: slices - 1)
        small.fallSilent(afterCalls: slices)
        #expect(await codes { try await session.record(.observed(larger)) } == [.stateWrite])
        small.answerAgain()
        try await session.record(.observed(larger))
        try await session.end(.succeeded)
        let snapshot = try await StateStore.open(small).snapshot()
        #expect(snapshot.resources[large.address] == larger && snapshot.resources.count == 2)
    }

    @Test func damageIsNamedAndNothingIsWritten() async throws {
        let session = try await open().begin(.test, as: PlaceLockTests.dead)
        for number in 0..<5 { try await session.create(.sample(number)) }
        let keys = try await store.list("log/", after: nil)
        let good = try #require(try await store.read(keys[4]))
        let newer = String(decoding: good.bytes, as: UTF8.self)
            .replacing("\"formatVersion\":1", with: "\"formatVersion\":2")
        let broken: [(String, [UInt8]?, DiagnosticCode)] = [
            ("cut", Array(good.bytes.dropLast(9)), .stateDamaged), ("empty", [], .stateDamaged),
            ("other", Array("{\"formatVersion\":1}".utf8), .stateDamaged), ("missing", nil, .stateDamaged),
            ("newer", Array(newer.utf8), .stateTooNew),
        ]
        for (what, bytes, code) in broken {
            try await store.remove([keys[4]])
            if let bytes { _ = try await store.write(bytes, to: keys[4], if: .absent, holding: nil) }
            let before = try await store.read(try await store.list("", after: nil))
            let error = await #expect(throws: DiagnosticsError.self) { _ = try await open().snapshot() }
            #expect(error?.diagnostics.map(\.code) == [code], "\(what)")
            #expect(error?.diagnostics.first?.message.contains(keys[4]) == true, "\(what)")
            #expect(await codes { _ = try await open().begin(.test) } == [code], "\(what)")
            #expect(try await store.read(try await store.list("", after: nil)) == before, "\(what)")
        }
        try await store.remove(["meta"])
        #expect(await codes { _ = try await open().snapshot() } == [.stateDamaged])
        #expect(await codes { _ = try await open().begin(.test) } == [.stateDamaged])
    }
}
