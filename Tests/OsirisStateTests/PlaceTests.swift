import Foundation
import OsirisDiagnostics
import OsirisModel
import Testing

@testable import OsirisState

/// What every place that keeps a state must do.
@Suite(.enabled(if: Child.path == nil)) struct PlaceTests {
    @Test(arguments: PlaceKind.allCases)
    func everyEntryComesBack(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let store = place.open()
        let empty = try await store.snapshot()
        #expect(empty.serial == 0 && empty.cluster == nil && empty.resources.isEmpty)
        let session = try await store.begin(.test)
        var machine = ResourceRecord.sample(1)
        machine.schemaVersion = 3
        machine.attributes["odd"] = ["$secret": "no secret", "list": [.null, .double(3), .double(.infinity), "ü\n"]]
        machine.attributes["digest"] = .secret(Secret(digest: "hmac-sha256:0a", plaintext: "CANARY"))
        var child = ResourceRecord.sample(2)
        child.parent = machine.address
        child.dependsOn = [machine.address]
        child.source = nil
        child.incomplete = "stopped half way"
        try await session.create(machine)
        try await session.create(child)
        let open = Intent(
            token: "t-3", address: child.address, provider: "hub", type: "function", action: .update,
            planned: child.attributes, parent: machine.address, dependsOn: [machine.address],
            startedAt: Date(timeIntervalSince1970: 1_700_000_000.25))
        try await session.record(.intent(open))
        try await session.record(.intent(Intent("kept", .create, of: .sample(7))))
        try await session.record(.failed(token: "kept", message: "answer lost", keepIntent: true))
        try await session.record(.intent(Intent("dropped", .create, of: .sample(8))))
        try await session.record(.failed(token: "dropped", message: "refused", keepIntent: false))
        try await session.record(.intent(Intent("closed", .create, of: .sample(9))))
        try await session.record(.closed(token: "closed", text: "never began"))
        try await session.record(.observed(.sample(4), text: "imported"))
        try await session.record(.observed(.sample(5)))
        try await session.record(.forgotten(ResourceRecord.sample(5).address, text: "no longer ours"))
        try await session.delete(.sample(4))
        try await session.record(.note(nil, text: "remark"))
        try await session.record(.note(machine.address, text: "remark on one"))
        func check(_ snapshot: StateSnapshot) {
            #expect(snapshot.resources == [machine.address: machine, child.address: child])
            #expect(snapshot.intents.map(\.token) == ["t-3", "kept"] && snapshot.intents.first == open)
            #expect(snapshot.intents.last?.failure == "answer lost")
            #expect(snapshot.serial == 6 && snapshot.cluster == "edge")
        }
        let during = try await place.open().snapshot()
        check(during)
        try await session.end(.interrupted)
        let after = try await place.open().snapshot()
        check(after)
        #expect(after.lineage == during.lineage && after.lineage.count == 36)
        let events = try await store.events(ofApply: session.applyID)
        #expect(
            events.map(\.kind) == [
                .created, .created, .failed, .failed, .note, .observed, .observed, .forgotten, .deleted, .note, .note,
            ])
        #expect(events[5].text == "imported" && events[9].address == nil && events[10].address == machine.address)
    }

    @Test(arguments: PlaceKind.allCases)
    func aRenameTakesAlongAllThatNamesIt(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let session = try await place.open().begin(.test)
        let (hub, function) = (ResourceRecord.hub(token: "x"), ResourceRecord.sample(1))
        var child = function
        child.parent = hub.address
        try await session.create(hub)
        try await session.create(child)
        let to = ResourceAddress(target: "other", type: String(hub.address.type), name: "renamed")
        let intent = Intent.move(hub, to: to, token: "1", startedAt: Date(timeIntervalSince1970: 1_700_000_000))
        try await session.record(.intent(intent))
        let open = try #require(try await place.open().snapshot().intents.first)
        #expect(open == intent && open.movedFrom == hub.address && open.address == to)
        func renamed(_ record: ResourceRecord) -> ResourceRecord { record.renamed { $0 == hub.address ? to : $0 } }
        // Without what lives on it, the state would have a hole.
        await #expect(throws: DiagnosticsError.self) {
            try await session.record(
                .moved(token: intent.token, from: hub.address, record: renamed(hub), dependants: []))
        }
        try await session.record(
            .moved(token: intent.token, from: hub.address, record: renamed(hub), dependants: [renamed(child)]))
        func check(_ snapshot: StateSnapshot) {
            #expect(Set(snapshot.resources.keys) == [to, child.address])
            #expect(snapshot.resources[child.address]?.parent == to && snapshot.intents.isEmpty)
        }
        check(try await place.open().snapshot())
        // The index knows it too: the parent goes with its child, under the new name.
        let gone = Intent("gone", .delete, of: renamed(hub))
        try await session.record(.intent(gone))
        try await session.record(.succeeded(token: "gone", record: nil))
        try await session.end(.succeeded)
        #expect(try await place.open().snapshot().resources.isEmpty)
        let events = try await place.open().events(ofApply: session.applyID)
        #expect(events.map(\.kind) == [.created, .created, .forgotten, .moved, .observed, .deleted, .deleted])
        #expect(events[3].address == to && events[3].text == "moved from \(hub.address)")
    }

    @Test(arguments: PlaceKind.allCases)
    func aParentTakesAllThatLivesOnIt(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let session = try await place.open().begin(.test)
        let hub = ResourceRecord.hub(token: "x")
        try await session.create(hub)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    var record = ResourceRecord.sample(number)
                    record.parent = hub.address
                    try await session.record(.observed(record))
                }
            }
            try await group.waitForAll()
        }
        #expect(try await place.open().snapshot().resources.count == 1_001)
        try await session.delete(hub)
        #expect(await codes { try await session.record(.observed(.child(of: hub))) } == [.inconsistentResult])
        try await session.end(.succeeded)
        #expect(try await place.open().snapshot().resources.isEmpty)
        let events = try await place.open().events(ofApply: session.applyID)
        #expect(events.filter { $0.kind == .deleted }.count == 1_001)
    }

    @Test(arguments: PlaceKind.allCases)
    func tasksShareCommitsAndAContradictionHitsOneOnly(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let session = try await place.open().begin(.test)
        let results = await withTaskGroup(of: [DiagnosticCode].self) { group in
            for number in 0..<200 {
                group.addTask {
                    await codes {
                        if number % 20 == 7 {
                            try await session.record(.succeeded(token: "never begun", record: nil))
                        } else {
                            try await session.create(.sample(number))
                        }
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(results == [DiagnosticCode](repeating: .inconsistentResult, count: 10))
        try await session.end(.succeeded)
        let snapshot = try await place.open().snapshot()
        #expect(snapshot.resources.count == 190 && snapshot.intents.isEmpty)
        // The serial counts commits that changed resources.
        #expect(snapshot.serial >= 1 && snapshot.serial < 190)
    }

    @Test(arguments: PlaceKind.allCases)
    func cancelledTasksRecordAllTheSame(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let session = try await place.open().begin(.test)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await session.create(.sample(1))
        }
        task.cancel()
        try await task.value
        try await session.end(.interrupted)
        #expect(try await place.open().snapshot().resources.count == 1)
    }

    @Test(arguments: PlaceKind.allCases)
    func readersNeedNoLock(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let session = try await place.open().begin(.test)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<40 { try await session.create(.sample(number)) }
            }
            for _ in 0..<4 {
                group.addTask {
                    var last = 0
                    while last < 40 {
                        let found = try await place.open().snapshot().resources.count
                        #expect(found >= last)
                        last = found
                        // A store in memory never suspends: the writer must have its turn.
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
        try await session.end(.succeeded)
    }

    @Test(arguments: PlaceKind.allCases)
    func theHistoryTellsWhatHappened(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let store = place.open()
        #expect(try await store.applies(limit: 3).isEmpty)
        let session = try await store.begin(.test)
        try await session.create(.sample(1))
        try await session.record(.intent(Intent("x", .create, of: .sample(2))))
        try await session.record(.failed(token: "x", message: "quota", keepIntent: false))
        try await session.end(.failed)
        let second = try await store.begin(RunDescription(operation: "destroy", cluster: "edge"))
        try await second.delete(.sample(1))
        let applies = try await store.applies(limit: 10)
        #expect(applies.map(\.id) == [2, 1] && applies.map(\.operation) == ["destroy", "apply"])
        #expect(applies[0].outcome == nil && applies[1].outcome == .failed)
        #expect(applies[0].endedAt == nil && applies[1].endedAt != nil)
        #expect(applies[1].counts == [.created: 1, .failed: 1] && applies[0].counts == [.deleted: 1])
        #expect(applies[1].commit == "c0ffee" && applies[1].arguments == ["apply", "-f", "x"])
        let me = ProcessIdentity.current
        #expect(applies[1].user == me.user && applies[1].host == me.host && applies[1].pid == me.pid)
        let events = try await store.events(ofApply: session.applyID)
        #expect(events.map(\.kind) == [.created, .failed] && events[1].text == "quota")
        try await second.end(.succeeded)
        #expect(try await store.applies(limit: 1).map(\.id) == [2])
        #expect(try await store.applies(limit: 9).map(\.outcome) == [.succeeded, .failed])
        #expect(try await store.events(ofApply: 1) == events)
        #expect(try await store.events(ofApply: 99).isEmpty)
    }

    @Test(arguments: PlaceKind.allCases)
    func secretsAreSealed(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let session = try await place.sealingTokens().begin(.test)
        let hub = ResourceRecord.hub(token: "CANARY-token")
        try await session.record(.intent(Intent("open", .update, of: hub)))
        try await session.create(hub)
        try await session.end(.succeeded)
        if let store = place.store {
            let values = try await store.read(try await store.list("", after: nil).filter { $0 != "lock" })
            #expect(values.count > 3)
            for (key, value) in values { #expect(Data(value.bytes).range(of: Data("CANARY".utf8)) == nil, "\(key)") }
        }
        let read = try #require(try await place.sealingTokens().snapshot().resources[hub.address])
        #expect(read.attributes["token"]?.stringValue == "CANARY-token")
        #expect(read.attributes["password"]?.stringValue == nil)
        let other = place.sealingTokens(keyText: String(repeating: "0b", count: 32))
        #expect(await codes { _ = try await other.snapshot() } == [.stateKey])
        #expect(try await other.snapshot(unsealing: false).resources.count == 1)
    }

    @Test(arguments: PlaceKind.allCases.filter { $0 != .local })
    func nothingStaysSealedUnderTheOldKey(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let hub = ResourceRecord.hub(token: "CANARY-token")
        let session = try await place.sealingTokens().begin(.test)
        try await session.create(hub)
        try await session.end(.succeeded)
        let old = Data(try #require(try await place.backend.load()?.sealed[hub.address])).base64EncodedString()
        let rotating = try await place.sealingTokens().begin(.test)
        #expect(try await rotating.rotateKey(try await place.sealingTokens().snapshot()) == 1)
        try await rotating.create(.sample(1))
        try await rotating.end(.succeeded)
        let store = try #require(place.store)
        for (key, value) in try await store.read(try await store.list("", after: nil).filter { $0 != "lock" }) {
            #expect(Data(value.bytes).range(of: Data(old.utf8)) == nil, "\(key)")
        }
        let read = try await place.sealingTokens().snapshot().resources
        #expect(read.count == 2 && read[hub.address]?.attributes["token"]?.stringValue == "CANARY-token")
        #expect(try await place.open().applies(limit: 9).map(\.outcome) == [.succeeded, .succeeded])
    }

    @Test(arguments: PlaceKind.allCases)
    func oneStateForOneCluster(kind: PlaceKind) async throws {
        let place = try await kind.place()
        // Several make the state at once: one wins, and whoever has the lock has it alone. One process makes one file.
        let makers = kind == .local ? 1 : 4
        let results = try await withThrowingTaskGroup(of: (String, [DiagnosticCode]).self) { group in
            for _ in 0..<makers {
                group.addTask {
                    let found = await codes { try await place.open().begin(.test).end(.succeeded) }
                    return (try await place.open().snapshot().lineage, found)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(results.map(\.0)).count == 1)
        #expect(results.contains { $0.1.isEmpty } && results.allSatisfy { $0.1.isEmpty || $0.1 == [.stateLocked] })
        let other = RunDescription(operation: "apply", cluster: "other")
        #expect(await codes { _ = try await place.open().begin(other) } == [.stateOtherCluster])
        try await place.open().begin(.test).end(.succeeded)
    }
}

extension ResourceRecord {
    static func child(of parent: ResourceRecord) -> ResourceRecord {
        var record = sample(1)
        record.parent = parent.address
        return record
    }
}
