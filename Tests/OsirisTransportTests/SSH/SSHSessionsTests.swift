import Foundation
import OsirisModel
import Testing

@testable import OsirisTransport

/// Logins that are shared, and HTTP through them.
@Suite struct SSHSessionsTests {
    private let sessions = SSHSessions(client: SSHClient(patience: SSHPatience(connect: .seconds(90))))

    @Test func aHostIsLoggedInToOnce() async throws {
        let server = try await SSHServer()
        let route = SSHRoute(try server.destination())
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for number in 0..<8 {
                group.addTask { [sessions] in
                    try await sessions.connection(to: route).run("echo \(number)").output
                }
            }
            var all: Set<[UInt8]> = []
            for try await output in group { all.insert(output) }
            #expect(all.count == 8)
        }
        #expect(sessions.counts.logins == 1 && sessions.counts.commands == 8)
        // A lost login is made again; a fresh one is a new one.
        _ = try? await sessions.connection(to: route).run("kill -KILL $PPID; sleep 60")
        #expect(try await sessions.connection(to: route).run("true").status == 0)
        #expect(sessions.counts.logins == 2)
        #expect(try await sessions.freshConnection(to: route).run("true").status == 0)
        #expect(sessions.counts.logins == 3)
        await sessions.closeAll()
    }

    @Test func aSilentHostIsWaitedForOnce() async throws {
        // The kernel takes the connection, and nobody says anything.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &size) == 0
            } ? Int(UInt16(bigEndian: pointer.pointee.sin_port)) : 0
        }
        try #require(port > 0)
        let sessions = SSHSessions(client: SSHClient(patience: SSHPatience(connect: .milliseconds(300))))
        let route = SSHRoute(
            SSHDestination(
                host: "127.0.0.1", port: port, user: "nobody", identities: [], agent: nil, knownHosts: [],
                hostKeyAlias: nil))
        for _ in 0..<3 {
            let error = await #expect(throws: SSHError.self) { _ = try await sessions.connection(to: route) }
            #expect(error?.kind == .timedOut)
        }
        #expect(sessions.counts.logins == 1)
        await sessions.askAgain(route)
        await #expect(throws: SSHError.self) { _ = try await sessions.connection(to: route) }
        #expect(sessions.counts.logins == 2)
    }

    @Test func aLoginThatTheHostHasEndedIsNoticedBeforeItIsUsed() async throws {
        let server = try await SSHServer()
        let route = SSHRoute(try server.destination())
        let first = try await sessions.connection(to: route)
        let sshd = String(decoding: try await first.run("echo $PPID").output, as: UTF8.self)
        kill(try #require(Int32(sshd.dropLast())), SIGKILL)
        while await first.isUsable { await Task.yield() }
        #expect(try await sessions.connection(to: route).run("true").status == 0)
    }

    @Test func secretsOfOneServeAll() async throws {
        let server = try await SSHServer()
        let locked = SSHRoute(try server.destination(["id_locked"], passphrase: "open sesame"))
        let bare = locked.withoutSecrets
        await #expect(throws: SSHError.self) { try await sessions.connection(to: bare) }
        _ = try await sessions.connection(to: locked)
        #expect(try await sessions.connection(to: bare).run("true").status == 0)
        #expect(try await sessions.freshConnection(to: bare).run("true").status == 0)
    }

    @Test func commandsAndTunnelsGoSideBySide() async throws {
        let server = try await SSHServer()
        let web = try await TestServer()
        let route = SSHRoute(try server.destination())
        let connection = try await sessions.connection(to: route)
        let client = HTTPClient(ssh: sessions)
        let gate = server.folder + "/gate"
        async let command = connection.run("while [ ! -e \(gate) ]; do sleep 0.02; done; echo open")
        var request = HTTPRequest("POST", web.base + "/raw", body: [UInt8](repeating: 7, count: 3_000_000))
        request.via = route
        // While the command runs: it ends only after this.
        #expect(try await client.send(request).body == request.body)
        try Data().write(to: URL(fileURLWithPath: gate))
        #expect(try await command.output == Array("open\n".utf8))
        #expect(sessions.counts.logins == 1)
    }
}

/// Requests through a host's sshd.
@Suite struct HTTPTunnelTests {
    private let sessions = SSHSessions(client: SSHClient(patience: SSHPatience(connect: .seconds(90))))

    private func error(_ client: HTTPClient, _ request: HTTPRequest) async -> HTTPError? {
        await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
    }

    @Test func connectionsAreKeptForEachRoute() async throws {
        let (first, second) = (try await SSHServer(), try await SSHServer())
        let web = try await TestServer()
        let client = HTTPClient(ssh: sessions)
        var request = HTTPRequest("GET", web.base.replacing("127.0.0.1", with: "no-such-host.invalid") + "/stats")
        for (route, connections) in [(first, 1), (first, 1), (second, 2), (first, 2), (second, 2)] {
            request.via = SSHRoute(try route.destination())
            // Another file of known hosts would be another route.
            request.via?.destination.knownHosts = [route.folder + "/known"]
            if !FileManager.default.fileExists(atPath: route.folder + "/known") {
                try FileManager.default.copyItem(atPath: route.knownHosts(), toPath: route.folder + "/known")
            }
            let stats = try await Value(plainJSON: client.send(request).body).mapValue
            #expect(stats?["connections"]?.intValue == connections)
        }
        #expect(
            sessions.counts
                == {
                    var counts = SSHCounts()
                    counts.logins = 2
                    counts.tunnels = 2
                    return counts
                }())
    }

    @Test func theCertificateIsHeldAgainstTheURL() async throws {
        let server = try await SSHServer()
        let web = try await TLSServer()
        let client = HTTPClient(ssh: sessions)
        var request = HTTPRequest("GET", web.base, tls: web.files("ca"))
        request.via = SSHRoute(try server.destination())
        #expect(try await client.send(request).status == 200)
        request.url = web.base.replacing("127.0.0.1", with: "other.invalid")
        let refused = await error(client, request)
        #expect(refused?.certificate == .otherName && refused?.sent == false)
    }

    @Test func whatCannotBeReachedIsToldAndNotSent() async throws {
        let server = try await SSHServer()
        let closed = try await SSHServer(options: ["AllowTcpForwarding no"])
        let client = HTTPClient(ssh: sessions)
        var request = HTTPRequest("POST", "http://127.0.0.1:1/", body: Array("body".utf8))
        request.via = SSHRoute(try server.destination())
        let refused = await error(client, request)
        #expect(refused?.kind == .couldNotConnect && refused?.sent == false)
        #expect(refused?.reason.contains("127.0.0.1:1: not reached from") == true)
        request.via = SSHRoute(try closed.destination())
        #expect(await error(client, request)?.kind == .couldNotConnect)
        request.via?.destination.port = 1
        let unreachable = await error(client, request)
        #expect(unreachable?.kind == .couldNotConnect && unreachable?.reason.contains("Connection refused") == true)
        #expect(await error(HTTPClient(), request)?.kind == .couldNotConnect)
    }

    @Test func aLostLoginIsMadeAgainForTheNextRequest() async throws {
        let server = try await SSHServer()
        let web = try await TestServer()
        let client = HTTPClient(ssh: sessions)
        let route = SSHRoute(try server.destination())
        var request = HTTPRequest("POST", web.base + "/raw", body: Array("body".utf8))
        request.via = route
        #expect(try await client.send(request).status == 200)
        let connection = try await sessions.connection(to: route)
        await #expect(throws: SSHError.self) { try await connection.run("kill -KILL $PPID; sleep 60") }
        #expect(try await client.send(request).body == request.body)
        #expect(sessions.counts.logins == 2)
    }
}
