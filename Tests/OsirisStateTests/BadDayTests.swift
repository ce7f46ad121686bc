import Foundation
import OsirisDiagnostics
import OsirisModel
import Testing

@testable import OsirisState

/// Power loss, and file systems that cannot be trusted.
@Suite struct BadDayTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A power loss leaves any prefix of the log. Each gives the state after some commit: never half of one, never an
    /// earlier one than those whose bytes are all there.
    @Test func everyPrefixOfTheLogIsTheStateAfterACommit() async throws {
        let store = StateStore.open(path: folder.state)
        let session = try await store.begin(.test)
        var sizes: [Int] = []
        for number in 0..<12 {
            // Two resources in one commit: they come together or not at all.
            let hub = ResourceRecord(
                address: ResourceAddress("here/hub.m\(number)")!, provider: "local", attributes: ["port": 1])
            try await session.record(.observed(hub))
            var function = ResourceRecord.sample(number)
            function.parent = hub.address
            try await session.record(.observed(function))
            sizes.append(try Data(contentsOf: URL(fileURLWithPath: folder.state + "-wal")).count)
        }
        let database = try Data(contentsOf: URL(fileURLWithPath: folder.state))
        let log = try Data(contentsOf: URL(fileURLWithPath: folder.state + "-wal"))
        try await session.end(.succeeded)

        let seed = UInt64.random(in: 0...UInt64.max)
        var random = seed
        for round in 0..<60 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let cut = Int(random >> 33) % (log.count + 1)
            let after = try TemporaryFolder()
            try FileManager.default.createDirectory(
                atPath: after.path + "/.osiris", withIntermediateDirectories: true)
            try database.write(to: URL(fileURLWithPath: after.state))
            // The bytes beyond the cut were never written, or hold what was on the disk before.
            let rest = round % 2 == 0 ? Data() : Data((0..<(log.count - cut)).map { UInt8(truncatingIfNeeded: $0) })
            try (log.prefix(cut) + rest).write(to: URL(fileURLWithPath: after.state + "-wal"))
            let comment: Comment = "seed \(seed), round \(round), cut at \(cut) of \(log.count)"
            let whole = sizes.filter { $0 <= cut }.count
            let found = try await StateStore.open(path: after.state).snapshot()
            let hubs = found.resources.keys.filter { $0.type == "hub" }.count
            let functions = found.resources.count - hubs
            #expect(functions >= whole, comment)
            #expect(hubs - functions == 0 || hubs - functions == 1, comment)
            // And it can be written again.
            let left = StateStore.open(path: after.state)
            _ = try await left.breakLock(id: session.fencing)
            let next = try await left.begin(.test)
            try await next.record(.observed(.sample(99)))
            try await next.end(.succeeded)
            #expect(try Inspection.text("PRAGMA integrity_check", in: after.state) == "ok", comment)
        }
    }

    @Test func networkFileSystemsAreKnown() {
        let mounts = """
            22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            40 22 0:50 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2
            41 40 0:51 / /home/ada/local\\040disk rw - xfs /dev/sdb1 rw
            42 22 0:52 / /mnt rw shared:3 - ext4 /dev/sdc1 rw
            43 22 0:53 / /mnt rw shared:4 - fuse.sshfs ada@host: rw
            """
        func type(_ path: String) -> String? { LockingFilesystem.type(of: path, mountinfo: mounts) }
        #expect(type("/etc/x") == "ext4")
        #expect(type("/home/ada/x/state.db") == "nfs4")
        #expect(type("/homework/state.db") == "ext4")
        #expect(type("/home/ada/local disk/state.db") == "xfs")
        #expect(type("/mnt/state.db") == "fuse.sshfs")
        #expect(LockingFilesystem.isNetwork("nfs4") && LockingFilesystem.isNetwork("fuse.sshfs"))
        #expect(!LockingFilesystem.isNetwork("ext4") && !LockingFilesystem.isNetwork("overlay"))
    }

    @Test func aLocalDiskPassesTheProbe() throws {
        try LockingFilesystem.check(folder.path + "/state.db")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/state.db-locks"))
    }
}
