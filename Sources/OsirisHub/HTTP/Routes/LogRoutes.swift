import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// `/system/logs` and `/v1/calls/ID/logs`: what functions wrote.
struct LogRoutes: RouteGroup {
    /// How lines are answered.
    enum Format: String {
        /// The messages only.
        case text
        /// One JSON object for each line.
        case json

        var type: String { self == .text ? "text/plain; charset=utf-8" : "application/x-ndjson" }

        func bytes(_ lines: [LogLine], of function: FunctionName) -> [UInt8] {
            lines.flatMap { (self == .text ? Array($0.text.utf8) : $0.message(of: function)) + [0x0A] }
        }
    }

    let controller: Controller

    func add(to router: GuardedRouter) {
        let controller = controller
        router.on(.get, "/system/logs", .read) { request, context, caller in
            guard let name = request.uri.queryParameters["name"] else {
                throw HubError(400, "bad_request", "The query has no name.")
            }
            let function = try request.functionName(String(name))
            try caller.require(.read, in: function.namespace)
            let (query, format) = (try request.logQuery(), try request.logFormat())
            let log = try await controller.log(of: function)
            if try request.flag("follow") {
                return try Self.follow(log, of: function, query, format, context.channel)
            }
            return .text(200, format.bytes(try await log.lines(query), of: function), type: format.type)
        }
        router.on(.get, "/v1/calls/{id}/logs", .read) { request, context, caller in
            var query = try request.logQuery(tail: 10_000)
            query.call = try context.parameters.require("id")
            let format = try request.logFormat()
            var logs = await controller.logs.filter { caller.may(.read, in: $0.function.namespace) }
            if let name = request.uri.queryParameters["name"] {
                let function = try request.functionName(String(name))
                try caller.require(.read, in: function.namespace)
                logs = [(function, try await controller.log(of: function))]
            }
            var bytes: [UInt8] = []
            // One after the other: each may be a MiB to look through.
            for (function, log) in logs { bytes += format.bytes(try await log.lines(query), of: function) }
            return .text(200, bytes, type: format.type)
        }
    }

    /// Answers with what is there and then with each new line, until the caller goes or the log ends.
    private static func follow(
        _ log: FunctionLog, of function: FunctionName, _ query: LogQuery, _ format: Format, _ channel: any Channel
    ) throws -> Response {
        try log.admitFollower()
        let body = ResponseBody { writer in
            // Only here, as this runs or the answer is never sent: nobody else would end it.
            let (lines, follower) = try await log.follow(query)
            defer { log.unfollow(follower) }
            try await CallerWatch.watching(channel, closed: { follower.end() }) {
                try await writer.write(ByteBuffer(bytes: format.bytes(lines, of: function)))
                try await follower.each { lines in
                    try await writer.write(ByteBuffer(bytes: format.bytes(lines, of: function)))
                }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: format.type, .cacheControl: "no-store"], body: body)
    }
}

extension Request {
    /// - Parameter tail: lines when the query does not say.
    /// - Throws: `HubError` 400.
    fileprivate func logQuery(tail: Int = 100) throws -> LogQuery {
        let query = uri.queryParameters
        return LogQuery(
            tail: try number("tail", in: 0...10_000, or: tail), since: try time("since"),
            call: query["call"].map(String.init),
            instance: query["instance"].map(String.init))
    }

    /// - Throws: `HubError` 400.
    fileprivate func logFormat() throws -> LogRoutes.Format {
        guard let text = uri.queryParameters["format"] else { return .text }
        guard let format = LogRoutes.Format(rawValue: String(text)) else {
            throw HubError(400, "bad_request", "format must be text or json.")
        }
        return format
    }
}
