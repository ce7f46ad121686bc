import Foundation
import OsirisModel
import Synchronization

/// Lets requests in: knows every token by its digest, counts what each sends, and forgets a revoked one at once.
///
/// All that a request needs is in memory. The store is written when a token is made or revoked, and now and then to
/// keep when each was last used.
final class Gatekeeper: Sendable {
    /// Least time between two times of last use that are kept, seconds.
    static let useStep = 60.0
    /// Time between two rounds of `tidy`.
    static let round = Duration.seconds(10)
    /// Failed attempts of one address, unless `hub.json` says otherwise.
    static let failureRate = Rate(perSecond: 1, burst: 20)
    /// Compared with where no token has the id, so that an unknown one costs the same.
    private static let nobody = Array(Digest.sha256("".utf8).utf8)

    /// An answer that is still being sent.
    fileprivate struct Stream {
        var token: String
        var cut: @Sendable () -> Void
    }

    fileprivate struct State {
        var tokens: [String: AccessToken]
        var buckets: [String: TokenBucket] = [:]
        var failures: FailedAttempts
        /// Times of last use that are not stored yet.
        var uses: [String: Double] = [:]
        var streams: [Int: Stream] = [:]
        var nextStream = 0
        var limited: [String: Int] = [:]
        var unauthorized = 0
    }

    /// The tokens of `hub.json`.
    private let own: [HubConfig.Token]
    private let defaultRate: Rate?
    private let store: any TokenStore
    private let clock: @Sendable () -> Double
    private let state: Mutex<State>

    /// - Parameter clock: seconds since 1970.
    init(
        config: HubConfig, store: any TokenStore,
        clock: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) async throws {
        own = config.tokens
        defaultRate = config.rates?.token
        self.store = store
        self.clock = clock
        let tokens = try await store.tokens()
        state = Mutex(
            State(
                tokens: Dictionary(tokens.map { ($0.id, $0) }) { $1 },
                failures: FailedAttempts(rate: config.rates?.failures ?? Self.failureRate)))
    }

    /// Judges the value of an `Authorization` header, before anything else of the request is read.
    /// - Parameters:
    ///   - address: the client's, for those who try many tokens.
    ///   - permissions: one of them is enough.
    /// - Throws: `HubError` 401 without a token of ours, 403 when its role does not allow this anywhere, 429.
    func admit(authorization: String?, from address: String, for permissions: [Permission]) throws -> Caller {
        let now = clock()
        return try state.withLock { state in
            let (callers, token) = callers(authorization, state.tokens, at: now)
            guard let known = callers.first else {
                state.unauthorized += 1
                if let wait = state.failures.fail(from: address, at: now) {
                    throw HubError.rateLimited("Too many requests from \(address) without a valid token", wait: wait)
                }
                throw Access.unknown
            }
            try state.count(known, rate: rate(of: known, token), at: now)
            if let token, known.token == token.id, now - (token.lastUsed ?? 0) >= Self.useStep {
                state.tokens[token.id]?.lastUsed = now
                state.uses[token.id] = now
            }
            guard let caller = callers.first(where: { permissions.contains(where: $0.may) }) else {
                throw Access.forbidden
            }
            return caller
        }
    }

    /// Who it is, whatever they may do; nil without a token of ours. Counts nothing.
    func identify(_ authorization: String?) -> Caller? {
        let now = clock()
        return state.withLock { callers(authorization, $0.tokens, at: now).callers.first }
    }

    /// Everybody whose token this is, and the row it may be of.
    private func callers(
        _ authorization: String?, _ tokens: [String: AccessToken], at now: Double
    ) -> (callers: [Caller], token: AccessToken?) {
        let text = Access.bearer(authorization) ?? ""
        let digest = Array(Digest.sha256(text.utf8).utf8)
        // Every one of these is compared, and every byte of it, so the time taken tells nothing about a near miss.
        var callers: [Caller] = []
        for token in own where Access.equal(digest, Array(token.sha256.utf8)) {
            callers.append(Caller(name: token.role.rawValue, role: token.role))
        }
        let token = tokens[TokenText(text)?.id ?? ""]
        let isIt = Access.equal(digest, token.map { Array($0.sha256.utf8) } ?? Self.nobody)
        if let token, isIt, token.expires.map({ $0 > now }) ?? true {
            callers.append(
                Caller(token: token.id, name: token.name, role: token.role, namespaces: token.namespaces.map(Set.init)))
        }
        return (callers, token)
    }

    /// The default spares the role admin: an apply sends many requests at once.
    private func rate(of caller: Caller, _ token: AccessToken?) -> Rate? {
        if token?.id == caller.token, let rate = token?.rate { return rate }
        return caller.role == .admin ? nil : defaultRate
    }

    /// Every token that was made here, by time of creation.
    func list() -> [AccessToken] {
        state.withLock { $0.tokens.values.sorted { ($0.created, $0.id) < ($1.created, $1.id) } }
    }

    /// Makes a token known.
    /// - Returns: the token, and false if the same was known before.
    /// - Throws: `HubError` 409 if another one has its id or its name, or what the store says.
    func add(_ order: TokenOrder, by caller: Caller) async throws -> (token: AccessToken, isNew: Bool) {
        let token = order.token(by: caller, at: clock())
        if try await store.add(token) {
            state.withLock { $0.tokens[token.id] = token }
            return (token, true)
        }
        let known = state.withLock { $0.tokens[token.id] }
        if let known, known.isSame(as: token) { return (known, false) }
        throw HubError(
            409, "exists",
            known == nil
                ? "There is a token with the name \(token.name). Revoke it first, or take another name."
                : "There is another token with the id \(token.id).")
    }

    /// Forgets a token: no request comes in with it when this returns, and answers that are being sent to it end.
    /// - Throws: `HubError` 404, or what the store says; then the token is still good.
    func revoke(_ id: String) async throws {
        guard try await store.removeToken(id) else {
            throw HubError(404, "not_found", "There is no token with the id \(id).")
        }
        let cuts = state.withLock { state in
            state.tokens[id] = nil
            (state.uses[id], state.buckets[id]) = (nil, nil)
            return state.streams.values.filter { $0.token == id }.map(\.cut)
        }
        for cut in cuts { cut() }
    }

    /// Notes an answer that is being sent, until `ended`.
    /// - Parameter cut: called when the token is revoked or expires.
    /// - Returns: a number for `ended`; nil for a token of `hub.json`, which lasts as long as the hub.
    /// - Throws: `HubError` 401 if the token is gone.
    func began(_ caller: Caller, cut: @escaping @Sendable () -> Void) throws -> Int? {
        // Only these have no id.
        guard TokenText.isID(caller.token) else { return nil }
        return try state.withLock { state in
            guard state.tokens[caller.token] != nil else { throw Access.unknown }
            state.nextStream += 1
            state.streams[state.nextStream] = Stream(token: caller.token, cut: cut)
            return state.nextStream
        }
    }

    func ended(_ stream: Int?) {
        guard let stream else { return }
        state.withLock { _ = $0.streams.removeValue(forKey: stream) }
    }

    /// Does a round of `tidy` every few seconds until it is cancelled.
    func run(failed: @Sendable (any Error) -> Void) async {
        while (try? await Task.sleep(for: Self.round)) != nil {
            do { try await tidy() } catch { failed(error) }
        }
    }

    /// Ends answers to tokens that expired, and stores when tokens were last used.
    func tidy() async throws {
        let now = clock()
        let (cuts, uses) = state.withLock { state in
            defer { state.uses = [:] }
            let expired = Set(state.tokens.values.filter { $0.expires.map { $0 <= now } ?? false }.map(\.id))
            return (state.streams.values.filter { expired.contains($0.token) }.map(\.cut), state.uses)
        }
        for cut in cuts { cut() }
        if !uses.isEmpty { try await store.noteUse(uses) }
    }

    /// What it counted, in the Prometheus text format.
    func metricsText() -> String {
        let (limited, unauthorized) = state.withLock { ($0.limited, $0.unauthorized) }
        var text = MetricsText()
        text.head("osiris_rate_limited_total", "counter", "Requests of a token that were over its rate.")
        for (token, count) in limited.sorted(by: { $0.key < $1.key }) {
            text.sample("osiris_rate_limited_total", [("token", token)], String(count))
        }
        text.head("osiris_unauthorized_total", "counter", "Requests without a valid token.")
        text.sample("osiris_unauthorized_total", [], String(unauthorized))
        return text.text
    }
}

extension Gatekeeper.State {
    fileprivate mutating func count(_ caller: Caller, rate: Rate?, at now: Double) throws {
        guard let rate else { return }
        guard let wait = buckets[caller.token, default: TokenBucket(rate, at: now)].take(at: now) else { return }
        limited[caller.token, default: 0] += 1
        throw HubError.rateLimited("The token \(caller.name) sent more requests than its rate allows", wait: wait)
    }
}
