import Foundation
import OsirisDiagnostics
import OsirisModel
import Testing

@testable import OsirisState

@Suite struct LockTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A process that does not run: pids on Linux are at most 2²².
    static let dead = ProcessIdentity(user: "ada", host: ProcessIdentity.current.host, pid: 1 << 23, process: "x:1")

    @Test func aSecondOpenerIsToldWhoHoldsTheLock() async throws {
        let first = try await StateStore.open(path: folder.state).begin(.test)
        let second = StateStore.open(path: folder.state)
        let error = await #expect(throws: DiagnosticsError.self) { _ = try await second.begin(.test) }
        let diagnostic = try #require(error?.diagnostics.first)
        #expect(diagnostic.code == .stateLocked)
        let me = ProcessIdentity.current
        for word in [me.user, me.host, "pid \(me.pid)", "apply", "since 20", "lock \(first.fencing)"] {
            #expect(diagnostic.message.contains(word), "\(diagnostic.message)")
        }
        #expect(diagnostic.help?.contains("osiris unlock \(first.fencing)") == true)
        #expect(try await second.lockHolder()?.id == first.fencing)
        try await first.end(.succeeded)
        #expect(try await second.lockHolder() == nil)
        let next = try await second.begin(.test)
        #expect(next.fencing == first.fencing + 1)
        try await next.end(.succeeded)
    }

    @Test func aDeadHolderIsTakenOverAndWritesNothingMore() async throws {
        let store = StateStore.open(path: folder.state)
        let old = try await store.begin(.test, as: Self.dead)
        try await old.record(.intent(Intent("t", .create, of: .sample(1))))
        let new = try await StateStore.open(path: folder.state).begin(.test)
        #expect(await codes { try await old.record(.succeeded(token: "t", record: .sample(1))) } == [.lockLost])
        #expect(await codes { try await old.record(.note(nil, text: "x")) } == [.lockLost])
        let snapshot = try await store.snapshot()
        #expect(snapshot.resources.isEmpty && snapshot.intents.map(\.token) == ["t"])
        try await new.record(.succeeded(token: "t", record: .sample(1), text: "adopted"))
        #expect(await codes { try await old.end(.succeeded) } == [.lockLost])
        try await new.end(.succeeded)
        let applies = try await store.applies(limit: 2)
        #expect(applies.map(\.outcome) == [.succeeded, .abandoned])
        #expect(try await store.snapshot().resources.count == 1)
    }

    @Test func aLockIsBrokenByItsIdOnly() async throws {
        let store = StateStore.open(path: folder.state)
        let session = try await store.begin(.test)
        #expect(try await store.breakLock(id: session.fencing + 1) == false)
        try await session.create(.sample(1))
        #expect(try await store.breakLock(id: session.fencing))
        #expect(await codes { try await session.create(.sample(2)) } == [.lockLost])
        #expect(await codes { try await session.end(.succeeded) } == [.lockLost])
        try await store.begin(.test).end(.succeeded)
        #expect(try await store.snapshot().resources.count == 1)
    }

    static let rules: [(ageSeconds: Double, host: String, process: String?, mayTake: Bool)] = [
        (0, "here", "boot:1", false), (0, "here", "boot:2", true), (0, "here", nil, true), (0, "there", nil, false),
        (29, "there", nil, false), (31, "there", nil, true), (31, "here", "boot:1", true),
        (-60, "here", "boot:1", false),
    ]

    @Test(arguments: rules)
    func leasesAndProcesses(rule: (ageSeconds: Double, host: String, process: String?, mayTake: Bool)) {
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        let renewed = now.addingTimeInterval(-rule.ageSeconds)
        let holder = LockHolder(
            id: 1, user: "ada", host: rule.host, pid: 7, operation: "apply", since: renewed, renewedAt: renewed,
            process: "boot:1")
        let mayTake = LockRule.mayTake(from: holder, host: "here", now: now) { $0 == 7 ? rule.process : nil }
        #expect(mayTake == rule.mayTake)
    }

    @Test func thisProcessHasAStartMark() {
        #expect(ProcessIdentity.current.process != nil)
        #expect(ProcessIdentity.startMark(ofProcess: 1 << 23) == nil)
    }

    @Test func oneLeaderCommitsForAllThatWait() {
        var queue = CommitQueue<Int, String>()
        let first = queue.add(1, "a")
        #expect(first)
        #expect(queue.takeBatch().map(\.entry) == [1])
        let others = [queue.add(2, "b"), queue.add(3, "c")]
        #expect(others == [false, false])
        let leader = queue.finish()
        #expect(leader == "b")
        let batch = queue.takeBatch()
        #expect(batch.map(\.entry) == [2, 3] && batch.map(\.waiter) == [nil, "c"])
        let nobody = queue.finish()
        #expect(nobody == nil && !queue.isCommitting)
    }
}
