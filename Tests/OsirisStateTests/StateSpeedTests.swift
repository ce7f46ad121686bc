import Foundation
import OsirisModel
import OsirisState
import Testing

/// Prints how long the state takes at 10,000 resources; run with OSIRIS_BENCH=1 on a release build.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["OSIRIS_BENCH"] != nil))
struct StateSpeedTests {
    @Test func tenThousandResources() async throws {
        let folder = try TemporaryFolder()
        let store = StateStore.sealingTokens(folder.state)
        let clock = ContinuousClock()
        let filling = try await store.begin(.test)
        let records = (0..<10_000).map { ResourceRecord.sample($0) }
        let writing = try await clock.measure {
            try await BytesWrittenTests.run(records, .create, in: filling, parallelism: 32)
        }
        try await filling.end(.succeeded)
        var snapshots: [StateSnapshot] = []
        for _ in 0..<5 {
            let loading = try await clock.measure { snapshots.append(try await store.snapshot()) }
            let start = clock.now
            let session = try await store.begin(.test)
            let locked = clock.now
            try await session.end(.succeeded)
            print("load \(loading), lock \(locked - start), end \(clock.now - locked)")
        }
        let size = try FileManager.default.attributesOfItem(atPath: folder.state)[.size] as? Int ?? 0
        print("10,000 creates with 32 tasks: \(writing); file \(size) bytes")
    }
}
