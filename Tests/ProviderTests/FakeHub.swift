import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import ProviderLocal
import Synchronization
import Testing

/// The stand-in hub in a folder of its own, started and stopped through the local provider.
struct FakeHub: Sendable {
    let folder: TemporaryFolder
    let provider: LocalProvider
    var cluster: Cluster
    let port: Int
    let address = ResourceAddress(target: "here", type: "hub", name: "here")

    init(functions: [FunctionSpec] = []) throws {
        folder = try TemporaryFolder()
        try folder.write(program: fakeHubProgram, to: "program/osiris-hub")
        port = try freePort()
        provider = LocalProvider(
            hubVersion: "1.0.0", program: folder.path + "/program/osiris-hub", http: testHTTP)
        cluster = ProviderTests.cluster(
            in: folder.path + "/manifest", targets: [target("here", "local", ["port": .int(port)])],
            functions: functions)
        try FileManager.default.createDirectory(atPath: cluster.folder, withIntermediateDirectories: true)
    }

    var data: String { cluster.folder + "/.osiris/hubs/here" }
    var handler: any ResourceHandler { provider.handler("hub") }
    var requests: [Substring] { folder.text("program/requests").split(separator: "\n") }

    /// In one step: it may read at any time.
    func setMode(_ mode: Value) throws {
        let file = URL(fileURLWithPath: folder.path + "/program/mode.json")
        try Data(mode.jsonText.utf8).write(to: file, options: .atomic)
    }

    func request(_ token: String, prior: Attributes = [:], changes: Attributes = [:]) throws -> OperationRequest {
        let declared = try provider.expand(cluster.targets[0], of: cluster).resources[0]
        return OperationRequest(
            cluster: cluster, address: address, planned: declared.attributes.merging(changes) { $1 }, prior: prior,
            ancestors: [], token: token)
    }

    func read(_ recorded: Attributes) async -> ReadResult {
        await handler.read([ReadRequest(address: address, recorded: recorded, ancestors: [])], of: cluster)[0]
    }

    /// The hubs that run on the data folder. The guard of one that was killed may take its time to see that another has it.
    var processes: [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let words = String(decoding: line, as: UTF8.self)
            return words.hasSuffix("--data\0\(data)\0") && !words.contains("\0reap\0")
        }
    }

    /// Ends what the test started, whatever the test did.
    func end() {
        for process in processes { kill(process, SIGKILL) }
    }
}

private let givenPorts = Mutex<Set<Int>>([])

/// A port of 127.0.0.1 that nobody has and no other test was given, below those the system gives to outgoing
/// connections. The tests of the programs take theirs from another range.
func freePort() throws -> Int {
    for _ in 0..<100 {
        let port = Int.random(in: 25_000..<30_000)
        guard givenPorts.withLock({ $0.insert(port).inserted }) else { continue }
        // By asking, not by taking it: what another thread starts meanwhile would have the taken one for a moment.
        let (descriptor, result) = connection(to: port, connect)
        close(descriptor)
        if result != 0 { return port }
    }
    throw POSIXError(.EADDRINUSE)
}

/// A socket that listens on 127.0.0.1.
func listener(port: Int) throws -> Int32 {
    let (descriptor, result) = connection(to: port, bind)
    guard result == 0, listen(descriptor, 8) == 0 else {
        close(descriptor)
        throw POSIXError(.EADDRINUSE)
    }
    return descriptor
}

/// A socket, and what became of connecting or binding it to a port of 127.0.0.1.
private func connection(
    to port: Int, _ join: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> (descriptor: Int32, result: Int32) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            join(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    return (descriptor, result)
}

/// One client for all tests, as a run has one.
let testHTTP = HTTPClient()
