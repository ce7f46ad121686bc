import OsirisModel
import OsirisTransport
import Synchronization

/// Calls an etcd cluster: tries its members in turn, and keeps the token of a user.
final class EtcdStoreGateway: Sendable {
    /// Longer than etcd's own limit of 7 s, after which a member without a leader says so.
    private static let timeout = Duration.seconds(10)

    private struct Memory {
        /// Index of the endpoint that answered last.
        var good = 0
        /// Empty where the cluster asks for none; nil before the first login.
        var token: String?
    }

    let settings: EtcdStoreSettings
    private let http: any HTTPSending
    private let memory = Mutex(Memory())

    init(_ settings: EtcdStoreSettings, http: any HTTPSending) {
        self.settings = settings
        self.http = http
    }

    private var location: String { settings.address.text }

    /// - Parameters:
    ///   - path: such as `/v3/kv/range`.
    ///   - isRepeatable: asking twice does what asking once does. Anything else is not sent again once a member may have
    ///     taken it.
    /// - Throws: `SharedStoreError`, `CancellationError`; `EtcdStoreFault` for what only the caller can judge.
    func call(_ path: String, _ body: Value, isRepeatable: Bool) async throws -> Value {
        var failures: [EtcdStoreFailure] = []
        let first = memory.withLock { $0.good }
        for offset in settings.endpoints.indices {
            let index = (first + offset) % settings.endpoints.count
            let endpoint = settings.endpoints[index]
            do {
                let answer = try await callAsUser(endpoint, path, body, isRepeatable: isRepeatable)
                memory.withLock { $0.good = index }
                return answer
            } catch let failure as EtcdStoreFailure {
                guard isRepeatable || !failure.mayHaveTakenEffect else { throw failure.unknown(at: location) }
                failures.append(failure)
            }
        }
        throw EtcdStoreFailure.summary(failures, at: settings.address)
    }

    /// With the user's token, if there is a user; a token that is not valid any more is replaced once.
    private func callAsUser(_ endpoint: String, _ path: String, _ body: Value, isRepeatable: Bool) async throws -> Value
    {
        guard let user = settings.user else {
            return try await ask(endpoint, path, body, token: "", isRepeatable: isRepeatable)
        }
        let token: String
        if let kept = memory.withLock({ $0.token }) { token = kept } else { token = try await logIn(user, endpoint) }
        do {
            return try await ask(endpoint, path, body, token: token, isRepeatable: isRepeatable)
        } catch let fault as EtcdStoreFault where fault.isAboutToken {
            let token = try await logIn(user, endpoint)
            return try await ask(endpoint, path, body, token: token, isRepeatable: isRepeatable)
        }
    }

    /// A new token, which every member knows; empty if the cluster asks for none.
    private func logIn(_ user: EtcdStoreSettings.User, _ endpoint: String) async throws -> String {
        var token = ""
        do {
            let answer = try await ask(
                endpoint, "/v3/auth/authenticate", ["name": .string(user.name), "password": .string(user.password)],
                token: "", isRepeatable: true)
            token = answer.mapValue?["token"]?.stringValue ?? ""
        } catch let fault as EtcdStoreFault where fault.text.contains("authentication is not enabled") {
        } catch var failure as EtcdStoreFailure {
            // The request itself has not been sent yet.
            failure.mayHaveTakenEffect = false
            throw failure
        }
        memory.withLock { $0.token = token }
        return token
    }

    private func ask(_ endpoint: String, _ path: String, _ body: Value, token: String, isRepeatable: Bool) async throws
        -> Value
    {
        let host = String(endpoint.drop { $0 != "/" }.dropFirst(2))
        let authorization = token.isEmpty ? [] : [HTTPHeader("Authorization", token)]
        let response: HTTPResponse
        do {
            response = try await http.send(
                HTTPRequest(
                    "POST", endpoint + path, headers: [HTTPHeader("Content-Type", "application/json")] + authorization,
                    body: body.plainJSON(), timeout: Self.timeout, tls: settings.tls, sendsOnce: !isRepeatable))
        } catch let error as HTTPError {
            throw EtcdStoreFailure(
                host: host, reason: error.reason, mayHaveTakenEffect: error.sent, isTLS: error.kind == .tls)
        }
        let answer = try? Value(plainJSON: response.body)
        if response.status == 200, let answer { return answer }
        guard let fault = EtcdStoreFault(answer) else {
            // A proxy before etcd may have let the request pass; etcd itself always answers in JSON.
            if response.status >= 500 {
                throw EtcdStoreFailure(
                    host: host, reason: "HTTP \(response.status)", mayHaveTakenEffect: true, isTLS: false)
            }
            throw SharedStoreError(
                .other, "\(location): \(host) answered HTTP \(response.status), not as etcd does",
                help: "etcd 3.4 or newer with its JSON gateway is needed; the URL of one that speaks TLS begins with "
                    + "etcds://")
        }
        guard fault.isPassing else { throw fault }
        throw EtcdStoreFailure(
            host: host, reason: fault.text, mayHaveTakenEffect: fault.mayHaveTakenEffect, isTLS: false)
    }
}
