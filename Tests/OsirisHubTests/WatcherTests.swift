import Foundation
import FoundationNetworking
import Hummingbird
import Logging
import NIOCore
import OsirisModel
import Testing

@testable import OsirisHub

/// An answer without an end, as of a log that is followed, over a real connection.
@Suite(.serialized) struct WatcherTests {
    @Test(.timeLimit(.minutes(15))) func aWatcherEndsWithItsToken() async throws {
        let config = HubConfig(
            address: "here/hub.here", cluster: "test", host: "127.0.0.1", port: 0, generation: "g1",
            tokens: [.init(role: .read, sha256: Digest.sha256("read".utf8))])
        let keeper = try await Gatekeeper(config: config, store: MemoryTokens())
        let orders = try ["gone", "stays"].map { try TokenOrder(Array(#"{"name":"\#($0)","role":"read"}"#.utf8)) }
        for order in orders { _ = try await keeper.add(order, by: Caller(name: "admin", role: .admin)) }
        let (events, tell) = AsyncStream.makeStream(of: String.self)
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let catalog = try await SQLiteCatalog.open(path: folder + "/catalog.db")
        defer { try? catalog.close() }
        let guarded = GuardedRouter(keeper, log: catalog)
        guarded.on(.get, "/watch", .read) { _, context, caller in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "first\n"))
                    tell.yield("\(caller.name) began")
                    do {
                        // Nothing more happens: the end must not wait for the next line.
                        try await CallerWatch.run(context.channel) { try await Task.sleep(for: .seconds(3600)) }
                    } catch {
                        tell.yield("\(caller.name) ended")
                        throw error
                    }
                })
        }
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: guarded.router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let server = Task { try await application.run() }
        defer { server.cancel() }
        var port = 0
        for await announced in ports {
            port = announced
            break
        }
        let address = "http://127.0.0.1:\(port)/watch"
        let tokens = orders.compactMap(\.clear) + ["read"]
        let watchers = tokens.map { token in Task { await Self.watch(address, token) } }
        var heard = events.makeAsyncIterator()
        var began: Set<String> = []
        while began.count < 3, let event = await heard.next() { began.insert(event) }
        #expect(began == ["gone began", "stays began", "read began"])
        try await keeper.revoke(orders[0].id)
        #expect(await heard.next() == "gone ended")
        await watchers[0].value
        // One that comes with it now does not begin.
        await Self.watch(address, tokens[0])
        for watcher in watchers[1...] { watcher.cancel() }
        var ended: Set<String> = []
        while ended.count < 2, let event = await heard.next() { ended.insert(event) }
        #expect(ended == ["stays ended", "read ended"], "they ended with their clients only")
    }

    /// Returns when the connection is closed.
    private static func watch(_ address: String, _ token: String) async {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 600
        guard let url = URL(string: address) else { return }
        var request = URLRequest(url: url)
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        _ = try? await URLSession(configuration: configuration).data(for: request)
    }
}
