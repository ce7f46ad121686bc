import Foundation
import Testing

@testable import OsirisHub

/// Where control groups may be made, and what they hold on a host that gives them.
@Suite(.serialized) struct ControlGroupTests {
    private static func locate(
        _ cgroup: String, _ mountinfo: String, files: [String: String] = [:], delegated: Set<String> = []
    ) -> ControlGroups {
        let texts = files.merging(["/proc/self/cgroup": cgroup, "/proc/self/mountinfo": mountinfo]) { $1 }
        return ControlGroups.locate(
            for: "/data", .init(text: { texts[$0] }, isDelegated: { delegated.contains($0) }))
    }

    private static let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let offers = "cpuset cpu io memory pids\n"

    @Test func aDelegatedGroupIsTheHubsToDivide() throws {
        let own = "/sys/fs/cgroup/system.slice/osiris.service"
        for cgroup in ["0::/system.slice/osiris.service\n", "0::/system.slice/osiris.service/osiris-hub.room\n"] {
            let groups = Self.locate(
                cgroup, Self.unified, files: [own + "/cgroup.controllers": Self.offers], delegated: [own])
            #expect(groups.missing == [:])
            let place = try #require(groups.places[.memory])
            #expect(place.isUnified && place.above == own)
            #expect(place.folder.hasPrefix(own + "/osiris-functions-"))
            #expect(groups.places[.cpu] == place && groups.places[.pids] == place)
        }
    }

    @Test func aGroupOfSomebodyElseIsLeftAlone() {
        let groups = Self.locate(
            "0::/user.slice/session-1.scope\n", Self.unified,
            files: ["/sys/fs/cgroup/user.slice/session-1.scope/cgroup.controllers": Self.offers])
        #expect(groups.places.isEmpty)
        #expect(groups.missing[.cpu]?.contains("/user.slice/session-1.scope is not its own") == true)
    }

    @Test func whatAContainerSeesAsRootIsItsOwn() {
        // A name space of control groups, and none.
        for (cgroup, root) in [("0::/\n", "/"), ("0::/machine/c1\n", "/machine/c1")] {
            let mounts = "30 23 0:26 \(root) /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
            let groups = Self.locate(cgroup, mounts, files: ["/sys/fs/cgroup/cgroup.controllers": "memory pids\n"])
            #expect(groups.places[.memory]?.above == "/sys/fs/cgroup")
            #expect(groups.missing.keys.sorted { $0.rawValue < $1.rawValue } == [.cpu])
        }
    }

    @Test func versionOneIsTakenWhereNobodyElseHasTheGroup() {
        let mounts = """
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """
        let groups = Self.locate("4:memory:/tool/job\n2:cpu,cpuacct:/\n0::/\n", mounts)
        #expect(groups.places[.cpu]?.above == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(groups.places[.cpu]?.isUnified == false)
        #expect(groups.missing[.memory]?.contains("/tool/job") == true)
        // Version 2 has it neither: its file of controllers is not there.
        #expect(groups.missing[.pids] == "the hub's control group does not have the controller")
    }

    @Test func aHostWithoutGroupsHasNone() {
        let groups = Self.locate("", "")
        #expect(groups.places.isEmpty && groups.missing.count == 3)
        #expect(groups.group(.init(), besides: 0).folders == [])
    }

    @Test func aProcessorIsShared() async throws {
        try await TestHub.with { hub in
            guard try await LimitsTests.isolation(hub).cpu.inForce else { return }
            // Seconds that pass until it has had 0.4 s of a processor.
            let code = """
                import time
                def handle():
                    start, used = time.monotonic(), time.process_time()
                    while time.process_time() - used < 0.4: pass
                    return time.monotonic() - start
                """
            _ = try await hub.client.put(.python("slow", code, ["limits": ["cpuThousandths": 200]]))
            let seconds = try #require(Double(try await hub.client.call("slow").text))
            // A fifth of a processor, and at most one period of 20 ms ahead.
            #expect(seconds > 1.7)
        }
    }

    /// The instance after one that was killed for a limit has less of a busy machine, until its calls have ended well.
    @Test func whoWasKilledForALimitGivesWay() async throws {
        try await TestHub.with { hub in
            guard try await LimitsTests.isolation(hub).cpu.inForce else { return }
            let place = try #require(
                ControlGroups.locate(for: DataFolder(path: hub.folder).realPath).places[.cpu])
            func share() async throws -> String? {
                let body = try await hub.client.send("GET", "/system/instances").body
                let pid = try JSONDecoder().decode([InstanceView].self, from: body).first?.pid ?? 0
                let groups = try? String(contentsOfFile: "/proc/\(pid)/cgroup", encoding: .utf8)
                let own = groups?.split(separator: "\n").first { $0.contains("osiris-functions-") }
                guard let name = own?.split(separator: "/").last else { return nil }
                let file = "\(place.folder)/\(name)/" + (place.isUnified ? "cpu.weight" : "cpu.shares")
                return try? String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
            }
            let code = "def handle(loop=False):\n    while loop: pass\n    return 1\n"
            _ = try await hub.client.put(.python("f", code, ["limits": ["timeoutMs": 3000]]))
            try await hub.client.wait(for: "f")
            let (usual, less) = place.isUnified ? ("100", "5") : ("1024", "51")
            #expect(try await share() == usual)
            #expect(try await hub.client.call("f", "[true]").code == "timeout")
            try await hub.client.wait(for: "f")
            #expect(try await hub.client.call("f").text == "1")
            #expect(try await share() == less)
            for _ in 1..<RestartPolicy.probationCalls { _ = try await hub.client.call("f") }
            try await eventually("it has the usual share again") { try await share() == usual }
        }
    }

    @Test func groupsGoWithTheirInstances() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let places = ControlGroups.locate(for: DataFolder(path: folder).realPath).places.values.map(\.folder)
        func groups() -> Int {
            places.reduce(0) { count, place in
                let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
                return count + names.count { FileManager.default.fileExists(atPath: "\(place)/\($0)/cgroup.procs") }
            }
        }
        let hub = try await RunningProgram.start(folder)
        let isolation = try await hub.client.send("GET", "/system/info").text
        _ = try await hub.client.put(.python("f", "def handle(): return 1\n"))
        #expect(try await hub.client.call("f").text == "1")
        if isolation.contains("control group of its own") { #expect(groups() > 0) }
        hub.process.signal(SIGKILL)
        _ = await hub.status()
        try await eventually("the guard has removed them") { groups() == 0 }
        let next = try await RunningProgram.start(folder)
        #expect(try await next.client.call("f").text == "1")
        #expect(try await next.stop() == .code(0))
        #expect(places.allSatisfy { !FileManager.default.fileExists(atPath: $0) })
    }
}
