import Foundation
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderLocal

/// What a run whose lock was taken over can do to a local hub.
@Suite struct LocalFenceTests {
    private func owned(_ request: OperationRequest, _ fencing: Int, lineage: String = "l") -> OperationRequest {
        var request = request
        request.owner = Ownership(lineage: lineage, fencing: fencing)
        return request
    }

    @Test func itDoesNotBringBackWhatALaterOneRemoved() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let created = try await hub.handler.create(owned(try hub.request("t"), 5))
        try await hub.handler.delete(owned(try hub.request("d", prior: created), 6))
        let late = await providerError { _ = try await hub.handler.create(owned(try hub.request("t"), 5)) }
        #expect(late?.kind == .fenced && late?.message.contains("(lock 6, this run has 5)") == true)
        #expect(hub.processes.isEmpty && !FileManager.default.fileExists(atPath: hub.data))
        // Another state's numbers are its own.
        _ = try await hub.handler.create(owned(try hub.request("t"), 1, lineage: "other"))
        #expect(hub.processes.count == 1)
    }

    @Test func aLaterOneWaitsForTheOneAtWork() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        try hub.setMode(["startDelay": 1])
        let first = owned(try hub.request("t"), 5)
        let second = owned(try hub.request("u", changes: ["port": .int(try freePort())]), 6)
        async let early = hub.handler.create(first)
        #expect(await eventually { hub.processes.count == 1 })
        let other = LocalProvider(
            hubVersion: "1.0.0", program: hub.folder.path + "/program/osiris-hub", http: testHTTP)
        let later = try await other.handler("hub").create(second)
        // Ended before the other began, so it saw its own hub.
        #expect(try await early["port"] == .int(hub.port))
        #expect(hub.processes.count == 1)
        #expect(await hub.read(later).attributes == later)
    }

    @Test func oneThatDoesNotComeToAnEndIsNamed() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        let request = owned(try hub.request("t"), 5)
        try await hub.handler.fence(request)
        let fence = hub.cluster.folder + "/.osiris/hubs/.fence-here"
        let descriptor = open(fence, O_RDWR | O_CLOEXEC)
        defer { close(descriptor) }
        try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        let folder = HubFolder(request.address, of: request.cluster)
        var impatient = HubFence(folder, of: request.address)
        impatient.patience = .milliseconds(200)
        let error = await providerError { try await impatient.pass(request) {} }
        #expect(error?.kind == .rejected && error?.message.contains("process \(getpid())") == true, "\(error as Any)")
        #expect(error?.help?.contains("kill -9 \(getpid())") == true)
    }

    /// Many runs at once: what passes has no lower number than what passed before it.
    @Test func numbersOnlyGrow() async throws {
        let hub = try FakeHub()
        let request = try hub.request("t")
        let passed = try await withThrowingTaskGroup(of: Int?.self) { group in
            for number in (1...40).shuffled() {
                let late = owned(request, number)
                group.addTask {
                    let folder = HubFolder(late.address, of: late.cluster)
                    return try? await HubFence(folder, of: late.address).pass(late) {
                        try Data("\(number) ".utf8).append(to: hub.folder.path + "/order")
                        return number
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 == nil ? 0 : 1 }
        }
        let order = hub.folder.text("order").split(separator: " ").compactMap { Int($0) }
        #expect(order == order.sorted() && order.last == 40 && order.count == passed, "\(order)")
    }

    @Test func aDamagedFenceIsNotTakenForNone() async throws {
        let hub = try FakeHub()
        defer { hub.end() }
        try hub.folder.write("{", to: "manifest/.osiris/hubs/.fence-here")
        let error = await providerError { _ = try await hub.handler.create(owned(try hub.request("t"), 5)) }
        #expect(error?.kind == .rejected && error?.message.contains(".fence-here") == true)
        #expect(hub.processes.isEmpty && !FileManager.default.fileExists(atPath: hub.data))
    }
}

extension Data {
    fileprivate func append(to path: String) throws {
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: self)
    }
}
