import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// `/system/events`: what happened on the hub.
struct EventRoutes: RouteGroup {
    /// Most events of one answer; a follower gets the next ones after.
    static let most = 1_000

    let events: Events
    let observation: Observation

    func add(to router: GuardedRouter) {
        router.on(.get, "/system/events", .read) { request, context, caller in
            let scope = try await observation.scope(request, caller)
            let most = try request.number("count", in: 1...Self.most, or: 100)
            let since = try request.number("since", in: 0...Int.max, or: -1)
            if try request.flag("follow") { return follow(since, most, scope, context.channel) }
            let found = try await page(since, most, scope)
            return .json(200, try HubJSON.encode(found))
        }
    }

    /// The oldest after an id, or, of -1, the newest.
    private func page(_ since: Int, _ most: Int, _ scope: ObservationStore.Scope) async throws -> [HubEvent] {
        since < 0
            ? try await events.newest(most, in: scope) : try await events.after(since, in: scope, count: most)
    }

    /// Answers with one event on each line until the caller goes or the hub ends. Nothing is kept for a slow reader:
    /// it gets what is stored after the last one it took.
    private func follow(
        _ since: Int, _ most: Int, _ scope: ObservationStore.Scope, _ channel: any Channel
    ) -> Response {
        let body = ResponseBody { writer in
            let signal = events.follow()
            defer { events.unfollow(signal) }
            try await CallerWatch.watching(channel, closed: { signal.end() }) {
                var found = try await page(since, most, scope)
                var last = max(since, 0)
                func write() async throws {
                    // Also when there is none: the caller sees that the answer has begun.
                    var lines = ByteBuffer()
                    for event in found { lines.writeBytes(try HubJSON.encode(event) + [0x0A]) }
                    try await writer.write(lines)
                    last = found.last?.id ?? last
                }
                try await write()
                for await _ in signal.stream {
                    repeat {
                        found = try await events.after(last, in: scope, count: Self.most)
                        if !found.isEmpty { try await write() }
                    } while found.count == Self.most
                }
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"], body: body)
    }
}

extension Observation {
    /// The rows of usage and events that a caller asks for and may read.
    /// - Throws: `HubError` 403 for a namespace the caller may not read.
    func scope(_ request: Request, _ caller: Caller) async throws -> ObservationStore.Scope {
        if let namespace = request.uri.queryParameters["namespace"].map(String.init) {
            try caller.require(.read, in: namespace)
            return .init(namespace: namespace)
        }
        return .init(hidden: try await namespaces().filter { !caller.may(.read, in: $0) })
    }
}
