import Foundation
import OsirisModel
import OsirisState
import Testing

/// The cost of an operation must follow the change, not the size of the state. Counted, not timed.
@Suite(.serialized, .enabled(if: Child.path == nil)) struct BytesWrittenTests {
    /// Bytes handed to write(2) by this process so far (proc(5): wchar).
    static func bytesWritten() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/io", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("wchar:") }
        return Int(line?.split(separator: " ").last ?? "") ?? 0
    }

    /// Runs one operation per record, `parallelism` at a time.
    static func run(
        _ records: [ResourceRecord], _ action: Intent.Action, in session: StateSession, parallelism: Int
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, record) in records.enumerated() {
                if number >= parallelism { try await group.next() }
                group.addTask {
                    let token = UUID().uuidString
                    try await session.record(.intent(Intent(token, action, of: record)))
                    try await session.record(.succeeded(token: token, record: action == .delete ? nil : record))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(arguments: [10, 1_000, 10_000])
    func anOperationWritesLittleAtEverySize(resources: Int) async throws {
        let folder = try TemporaryFolder()
        let child = try Child.start("bytes \(resources)", folder)
        await child.ended()
        let said = try String(contentsOfFile: folder.said, encoding: .utf8).split(separator: "\n").compactMap {
            Int($0)
        }
        try #require(said.count == 3)
        print(
            "bytes for each operation at \(resources) resources: \(said[0]) side by side, alone \(said[1]), \(said[2])")
        // The checkpoint, the lock, the row of the history and the end of the session are in the count. One after the
        // other none shares a commit, so no speed of the machine is in it.
        #expect(said[1] <= 3600 && said[2] <= 3600)
        // About 1,800 where 32 share a commit; on a slow machine fewer do. The first ten also pay for the tables.
        if resources > 10 { #expect(said[0] <= 8192) }
        #expect(try await StateStore.open(path: folder.state).snapshot().resources.count == resources + 320)
    }
}
