import Foundation
import OsirisModel
import OsirisState
import Testing

/// Kills a process that writes, at random moments, and looks at what is left.
///
@Suite(.serialized, .enabled(if: Child.path == nil)) struct CrashTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(.timeLimit(.minutes(15))) func whatWasAcknowledgedIsThereAfterAKill() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        for round in 0..<8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let acknowledged = folder.said
            let before = (try? String(contentsOfFile: acknowledged, encoding: .utf8))?.count ?? 0
            let child = try Child.start("write", folder)
            while child.isRunning, (try? String(contentsOfFile: acknowledged, encoding: .utf8))?.count ?? 0 == before {
                try await Task.sleep(for: .milliseconds(5))
            }
            try await Task.sleep(for: .microseconds(Int(state >> 33) % 150_000))
            kill(child.processIdentifier, SIGKILL)
            await child.ended()
            let snapshot = try await StateStore.open(path: folder.state).snapshot()
            try Self.check(snapshot, acknowledged, "seed \(seed), round \(round)")
        }
        #expect(try Inspection.text("PRAGMA integrity_check", in: folder.state) == "ok")
        // The dead child's lock does not stand in the way.
        try await StateStore.open(path: folder.state).begin(.test).end(.succeeded)
        #expect(folder.files == ["state.db"])
    }

    static func check(_ snapshot: StateSnapshot, _ acknowledged: String, _ comment: Comment) throws {
        let open = Set(snapshot.intents.map(\.token))
        var begun = Set<String>()
        let lines = try String(contentsOfFile: acknowledged, encoding: .utf8).split(separator: "\n")
        #expect(!lines.isEmpty, comment)
        for line in lines {
            let (word, token) = (line.prefix { $0 != " " }, String(line.drop { $0 != " " }.dropFirst()))
            switch word {
            case "began": begun.insert(token)
            case "created":
                #expect(snapshot.resources[ResourceAddress("here/function.\(token)")!] != nil, comment)
                begun.remove(token)
            default: Issue.record("\(line)")
            }
        }
        // Begun and not acknowledged as done: an open intent, or recorded just before the kill.
        for token in begun {
            let recorded = snapshot.resources[ResourceAddress("here/function.\(token)")!] != nil
            #expect(open.contains(token) != recorded, comment)
        }
    }

    @Test(.timeLimit(.minutes(15))) func aFullDiskIsSaidSoAndLosesNothing() async throws {
        let child = try Child.start("full", folder)
        await child.ended()
        #expect(child.terminationStatus == 0)
        #expect(try String(contentsOfFile: folder.said, encoding: .utf8) == "full\nwritten later\n")
        #expect(try Inspection.text("PRAGMA integrity_check", in: folder.state) == "ok")
    }
}
