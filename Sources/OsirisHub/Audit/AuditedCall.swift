import Foundation
import HTTPTypes
import Hummingbird

/// Records the calls of one route.
struct AuditedCall: Sendable {
    let action: String
    let log: any AuditLog
    let gatekeeper: Gatekeeper
    let bound: RefusalBound

    /// Runs the handler of a control route and records the call, whatever comes of it, before it is answered.
    func run(
        _ request: Request, _ context: HubContext, _ handler: (AuditTrail) async throws -> Response
    ) async -> Response {
        let id = CallRoutes.callID(request.headers[.callID])
        let trail = trail(request, context, id: id)
        do {
            var response: Response
            do {
                response = try await handler(trail)
                response.headers[.callID] = id
                try await trail.close(status: response.status.code, code: "", in: log)
            } catch {
                response = ErrorBodies<HubContext>.response(error, callID: id, logger: context.logger)
                try await close(trail, ErrorBodies<HubContext>.problem(error))
            }
            return response
        } catch {
            // Nothing is answered as done that is not on record.
            return ErrorBodies<HubContext>.response(error, callID: id, logger: context.logger)
        }
    }

    /// Records a refused call of another route.
    func record(_ error: HubError, _ request: Request, _ context: HubContext) async throws {
        let trail = trail(request, context, id: CallRoutes.callID(request.headers[.callID]))
        try await close(trail, error)
    }

    private func trail(_ request: Request, _ context: HubContext, id: String) -> AuditTrail {
        let trail = AuditTrail(action: action, client: context.channel.remoteAddress?.ipAddress ?? "", call: id)
        if let caller = gatekeeper.identify(request.headers[.authorization]) { trail.by(caller) }
        if let name = context.parameters.get("name"), let named = try? request.functionName(name) { trail.about(named) }
        return trail
    }

    private func close(_ trail: AuditTrail, _ problem: HubError) async throws {
        let isRefused = [401, 403, 429].contains(problem.status)
        if isRefused, !bound.admits(now: Date().timeIntervalSince1970) { return }
        try await trail.close(status: problem.status, code: problem.code, in: log)
    }
}
