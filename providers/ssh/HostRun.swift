import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Runs one script on a host, and says how it ended in a provider's words.
struct HostRun: Sendable {
    let sessions: SSHSessions

    /// - Parameters:
    ///   - host: address of the host's resource, which its marker must name.
    ///   - arguments: the script's own, after those that all scripts have. No secrets.
    /// - Returns: what the script wrote.
    /// - Throws: `ProviderError`.
    @discardableResult
    func callAsFunction(
        _ script: HostScript, at place: HostPlace, host: ResourceAddress, for request: OperationRequest,
        arguments: [String] = [], payload: HostPayload = HostPayload()
    ) async throws -> String {
        let result = try await result(
            script, at: place, host: host, for: request, arguments: arguments, payload: payload)
        if result.status == 0 { return String(decoding: result.output, as: UTF8.self) }
        throw Self.failure(result, request.address, place)
    }

    /// As `callAsFunction`, for a caller that tells some exit statuses apart.
    func result(
        _ script: HostScript, at place: HostPlace, host: ResourceAddress, for request: OperationRequest,
        arguments: [String] = [], payload: HostPayload = HostPayload()
    ) async throws -> SSHResult {
        let owner = request.owner
        let common = [
            place.folder, request.cluster.name, host.text, owner.isFenced ? owner.lineage : "-",
            String(owner.fencing),
        ]
        return try await connected(to: place, request.address) { connection in
            try await connection.run(
                script: script.text, as: place.elevation, arguments: common + arguments, input: payload.bytes)
        }
    }

    /// Does something over the host's login.
    /// - Throws: `ProviderError`; `.answerLost` if the connection was lost on the way.
    func connected<Result: Sendable>(
        to place: HostPlace, _ address: ResourceAddress, fresh: Bool = false,
        _ body: (SSHConnection) async throws -> Result
    ) async throws -> Result {
        let connection: SSHConnection
        do {
            connection =
                fresh
                ? try await sessions.freshConnection(to: place.route) : try await sessions.connection(to: place.route)
        } catch let error as SSHError {
            // An operation is tried again after a while.
            await sessions.askAgain(place.route)
            throw Self.failure(error, address, begun: false)
        }
        do {
            return try await body(connection)
        } catch let error as SSHError {
            throw Self.failure(error, address, begun: true)
        }
    }

    // MARK: Errors

    static func failure(_ error: SSHError, _ address: ResourceAddress, begun: Bool) -> ProviderError {
        let kind: ProviderError.Kind =
            switch error.kind {
            case .unreachable, .timedOut, .lost: begun ? .answerLost : .transient
            default: .rejected
            }
        return ProviderError(
            kind, "\(address): \(error.description)", help: error.help.isEmpty ? nil : error.help)
    }

    /// How a script ended that did not succeed. Its statuses are in `Scripts/begin.sh`.
    static func failure(_ result: SSHResult, _ address: ResourceAddress, _ place: HostPlace) -> ProviderError {
        let lines = String(decoding: result.errors.suffix(4096), as: UTF8.self).split(whereSeparator: \.isNewline)
        let said = lines.last { $0.hasPrefix("osiris: ") }.map { String($0.dropFirst("osiris: ".count)) }
        guard let status = result.status else {
            return ProviderError(
                .answerLost, "\(address): its script on \(place.name) was killed (SIG\(result.signal ?? "?"))")
        }
        let reason =
            said ?? "its script on \(place.name) ended with \(status): \(lines.suffix(3).joined(separator: " | "))"
        let text = "\(address): \(printable(reason))"
        switch status {
        case 75: return ProviderError(.fenced, text)
        case 70: return ProviderError(.transient, text)
        default:
            return ProviderError(
                .rejected, text, help: said == nil ? "`osiris hosts probe` shows the state of the host" : nil)
        }
    }

    private static func printable(_ text: String) -> String {
        text.trimmingCharacters(in: .whitespaces).filter { !$0.unicodeScalars.contains { $0.value < 32 } }
    }
}
