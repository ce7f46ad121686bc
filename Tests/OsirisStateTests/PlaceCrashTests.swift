import Foundation
import OsirisModel
import Testing

@testable import OsirisState

/// Kills a process that writes to a shared state, at random moments, and looks at what is left.
@Suite(.serialized, .enabled(if: Child.path == nil)) struct PlaceCrashTests {
    @Test(.timeLimit(.minutes(15)), arguments: [PlaceKind.etcd, .s3])
    func whatWasAcknowledgedIsThereAfterAKill(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var state = seed
        for round in 0..<4 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let said = place.folder.said
            let before = (try? String(contentsOfFile: said, encoding: .utf8))?.count ?? 0
            let child = try Child.start("write", place.folder, state: place.url, environment: place.environment)
            while child.isRunning, (try? String(contentsOfFile: said, encoding: .utf8))?.count ?? 0 == before {
                try await Task.sleep(for: .milliseconds(5))
            }
            try await Task.sleep(for: .microseconds(Int(state >> 33) % 250_000))
            kill(child.processIdentifier, SIGKILL)
            await child.ended()
            let snapshot = try await place.open().snapshot()
            try CrashTests.check(snapshot, said, "seed \(seed), round \(round)")
        }
        // The dead child's lock does not stand in the way.
        try await place.open().begin(.test).end(.succeeded)
        #expect(
            try await place.open().applies(limit: 9).map(\.outcome) == [.succeeded]
                + [ApplyOutcome?](
                    repeating: .abandoned, count: 4))
    }
}
