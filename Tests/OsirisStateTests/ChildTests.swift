import Foundation
import OsirisModel
import OsirisState
import Testing

/// A process of its own for tests that kill it, limit it or count what it writes.
///
/// It is this test program again, told by a variable to run one test of `ChildTests` alone.
enum Child {
    private static let pathVariable = "OSIRIS_TEST_CHILD_STATE"
    private static let modeVariable = "OSIRIS_TEST_CHILD_MODE"
    private static let saidVariable = "OSIRIS_TEST_CHILD_SAID"
    /// The state it works on, a path or a URL; nil in the parent.
    static let path = ProcessInfo.processInfo.environment[pathVariable]
    static let mode = ProcessInfo.processInfo.environment[modeVariable]

    /// - Parameters:
    ///   - state: nil for the file of the folder.
    ///   - environment: how to reach a shared one.
    static func start(
        _ mode: String, _ folder: TemporaryFolder, state: String? = nil, environment: [String: String] = [:]
    ) throws -> Process {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = ["--testing-library", "swift-testing", "--filter", "ChildTests"]
        child.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging(
            [pathVariable: state ?? folder.state, modeVariable: mode, saidVariable: folder.said]) { $1 }
        child.standardOutput = FileHandle.nullDevice
        child.standardError = FileHandle.nullDevice
        try child.run()
        return child
    }

    /// Adds a line to the file the parent reads, in one system call.
    static func say(_ text: String) {
        let said = ProcessInfo.processInfo.environment[saidVariable] ?? ""
        let file = open(said, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        _ = Array((text + "\n").utf8).withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        close(file)
    }
}

/// What the other process does; skipped in an ordinary run.
@Suite(.enabled(if: Child.path != nil)) struct ChildTests {
    let store: StateStore

    init() throws {
        store = try StateStore.open(
            StatePlace(Child.path ?? "", folder: "/"), keyFolder: "/nowhere",
            environment: ProcessInfo.processInfo.environment)
    }

    @Test(.enabled(if: Child.mode == "write")) func childWritesUntilKilled() async throws {
        let session = try await store.begin(.test)
        await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    while true {
                        let token = UUID().uuidString.lowercased()
                        var record = ResourceRecord.sample(0)
                        record.address = ResourceAddress("here/function.\(token)")!
                        try await session.record(.intent(Intent(token, .create, of: record)))
                        Child.say("began \(token)")
                        try await session.record(.succeeded(token: token, record: record))
                        Child.say("created \(token)")
                    }
                }
            }
        }
    }

    @Test(.enabled(if: Child.mode == "full")) func childFillsTheDisk() async throws {
        signal(SIGXFSZ, SIG_IGN)
        let session = try await store.begin(.test)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(1), &limit)
        let all = limit.rlim_cur
        limit.rlim_cur = 200_000
        setrlimit(__rlimit_resource_t(1), &limit)
        var written = 0
        let found = await codes {
            for number in 0..<1_000 {
                try await session.create(.sample(number))
                written += 1
            }
        }
        guard found == [.stateWrite], written > 10 else { return Child.say("not full: \(found) \(written)") }
        #expect(try await store.snapshot().resources.count == written)
        Child.say("full")
        limit.rlim_cur = all
        setrlimit(__rlimit_resource_t(1), &limit)
        try await session.create(.sample(5_000))
        try await session.end(.succeeded)
        guard try await store.snapshot().resources.count == written + 1 else { return Child.say("lost") }
        Child.say("written later")
    }

    /// Fills a state with so many resources, many at a time, then creates and updates some, one after the other. Says the
    /// bytes for each operation of the three.
    @Test(.enabled(if: Child.mode?.hasPrefix("bytes ") == true)) func childCountsBytes() async throws {
        let resources = Int(Child.mode?.dropFirst(6) ?? "") ?? 0
        let filling = try await store.begin(.test)
        let before = try BytesWrittenTests.bytesWritten()
        let records = (0..<resources).map { ResourceRecord.sample($0) }
        try await BytesWrittenTests.run(records, .create, in: filling, parallelism: 32)
        try await filling.end(.succeeded)
        Child.say("\(try (BytesWrittenTests.bytesWritten() - before) / resources)")

        let operations = 320
        let new = (0..<operations).map { ResourceRecord.sample(resources + $0) }
        // Addresses far apart, so that nothing is cheap because neighbours share a page.
        let changed = (0..<operations).map { ResourceRecord.sample($0 * 7_919 % resources, version: $0) }
        for (action, records) in [(Intent.Action.create, new), (.update, changed)] {
            let session = try await store.begin(.test)
            let start = try BytesWrittenTests.bytesWritten()
            try await BytesWrittenTests.run(records, action, in: session, parallelism: 1)
            try await session.end(.succeeded)
            Child.say("\(try (BytesWrittenTests.bytesWritten() - start) / operations)")
        }
    }
}
