import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import ProviderHub
import ProviderLocal
import Synchronization
import Testing

/// A real hub with TLS on this machine, and the authority of its cluster. Its clock can be set.
final class TLSHub: Sendable {
    let base: FakeHub
    let clock = Mutex(Date())
    let authority: Attributes

    init() async throws {
        var base = try FakeHub()
        base.cluster.hub.tls = true
        self.base = base
        authority = try await Self.makeAuthority(base.cluster)
    }

    static func makeAuthority(_ cluster: Cluster) async throws -> Attributes {
        try await HubProvider(http: testHTTP).handler("authority").create(authorityRequest(cluster, UUID().uuidString))
    }

    static func authorityRequest(_ cluster: Cluster, _ token: String, prior: Attributes = [:]) -> OperationRequest {
        OperationRequest(
            cluster: cluster, address: AuthorityResource.address(of: cluster), planned: ["rotation": "none"],
            prior: prior, ancestors: [], token: token)
    }

    /// A provider that remembers nothing and has no connections, as another process would, with the clock as it is set.
    var handler: any ResourceHandler {
        LocalProvider(
            hubVersion: OsirisVersion.current, http: HTTPClient(), now: { [self] in clock.withLock { $0 } }
        ).handler("hub")
    }

    func planned(_ authority: Attributes? = nil) throws -> Attributes {
        let authority = authority ?? self.authority
        return try base.provider.expand(base.cluster.targets[0], of: base.cluster).resources[0].attributes.mapValues {
            $0.resolvingReferences { authority[$0.attribute] ?? .unknown }
        }
        .merging(["version": .string(OsirisVersion.current)]) { $1 }
    }

    func request(
        _ token: String, prior: Attributes = [:], authority: Attributes? = nil, changes: Attributes = [:]
    ) throws -> OperationRequest {
        OperationRequest(
            cluster: base.cluster, address: base.address, planned: try planned(authority).merging(changes) { $1 },
            prior: prior, ancestors: [], token: token)
    }

    func read(_ recorded: Attributes) async -> ReadResult {
        await handler.read(
            [ReadRequest(address: base.address, recorded: recorded, ancestors: [])], of: base.cluster)[0]
    }

    /// With connections of its own.
    func client(_ hub: Attributes, authority: Attributes? = nil) -> HubClient {
        HubClient(
            url: hub["url"]?.stringValue ?? "", token: hub["token"]?.stringValue,
            authority: (authority?["certificate"] ?? hub["authority"])?.stringValue, http: HTTPClient())
    }

    /// The certificate in the hub's folder.
    var installed: Certificate? { try? Certificate(pem: base.folder.text("manifest/.osiris/hubs/here/tls.pem")) }

    /// Runs a test with the hub created, and ends it, whatever the test did.
    /// - Parameter daysAgo: how old its certificate is; 90 is its whole life.
    static func with(daysAgo: Double = 0, _ test: (TLSHub, Attributes) async throws -> Void) async throws {
        let hub = try await TLSHub()
        defer { hub.base.end() }
        hub.clock.withLock { $0 -= daysAgo * 86400 }
        let created = try await hub.handler.create(try hub.request("t"))
        hub.clock.withLock { $0 = Date() }
        try await test(hub, created)
    }
}

/// A program that speaks TLS with any certificate and notes what it is told.
final class StrangerServer: Sendable {
    private let process: Process
    private let folder: TemporaryFolder

    private static let script = """
        import http.server, os, ssl, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *words): pass
            def do_any(self):
                with open("heard", "a") as file: file.write(self.requestline + str(self.headers))
                self.send_response(200); self.end_headers()
            do_GET = do_PUT = do_POST = do_DELETE = do_any
        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *words): pass
        server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("pair.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        open("ready", "w").close()
        server.serve_forever()
        """

    init(_ identity: CertifiedKey, port: Int) async throws {
        folder = try TemporaryFolder()
        try folder.write(identity.key.pem + identity.certificate.pem, to: "pair.pem")
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", "-c", Self.script, "\(port)"]
        python.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        try folder.write("", to: "printed")
        python.standardError = FileHandle(forWritingAtPath: folder.path + "/printed")
        try python.run()
        process = python
        let ready = folder.path + "/ready"
        _ = await eventually { FileManager.default.fileExists(atPath: ready) || !python.isRunning }
        try #require(FileManager.default.fileExists(atPath: ready), "\(folder.text("printed"))")
    }

    /// The requests that came through a handshake.
    var heard: String { folder.text("heard") }

    deinit { kill(process.processIdentifier, SIGKILL) }
}
