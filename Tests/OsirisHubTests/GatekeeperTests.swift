import Foundation
import OsirisModel
import Synchronization
import Testing

@testable import OsirisHub

/// Tokens in memory.
actor MemoryTokens: TokenStore {
    private var rows: [String: AccessToken] = [:]
    private(set) var writes = 0

    func tokens() -> [AccessToken] { Array(rows.values) }

    func add(_ token: AccessToken) -> Bool {
        guard rows[token.id] == nil, !rows.values.contains(where: { $0.name == token.name }) else { return false }
        rows[token.id] = token
        return true
    }

    func removeToken(_ id: String) -> Bool { rows.removeValue(forKey: id) != nil }

    func noteUse(_ times: [String: Double]) {
        writes += 1
        for (id, time) in times { rows[id]?.lastUsed = time }
    }
}

@Suite struct GatekeeperTests {
    /// A gatekeeper whose clock the test sets.
    private final class Gate: Sendable {
        let store = MemoryTokens()
        let keeper: Gatekeeper
        private let admin = Caller(name: "admin", role: .admin)

        init(rates: HubConfig.Rates? = nil) async throws {
            let config = HubConfig(
                address: "here/hub.here", cluster: "test", host: "127.0.0.1", port: 0, generation: "g1",
                tokens: HubConfig.Role.allCases.map { .init(role: $0, sha256: Digest.sha256($0.rawValue.utf8)) },
                rates: rates)
            let now = Now()
            keeper = try await Gatekeeper(config: config, store: store, clock: { now.value })
            self.now = now
        }

        final class Now: Sendable {
            private let time = Mutex(1_000.0)
            var value: Double { time.withLock { $0 } }
            func pass(_ seconds: Double) { time.withLock { $0 += seconds } }
        }

        let now: Now

        func make(_ body: String) async throws -> TokenText {
            let order = try TokenOrder(Array(body.utf8))
            _ = try await keeper.add(order, by: admin)
            return try #require(TokenText(order.clear ?? ""))
        }

        func admit(_ token: String, from address: String = "10.0.0.1", _ permission: Permission = .read) throws
            -> Caller
        {
            try keeper.admit(authorization: "Bearer \(token)", from: address, for: [permission])
        }

        func status(_ token: String, from address: String = "10.0.0.1", _ permission: Permission = .read) -> Int {
            do {
                _ = try admit(token, from: address, permission)
                return 200
            } catch {
                return (error as? HubError)?.status ?? 0
            }
        }
    }

    @Test func rolesAllowWhatTheySay() async throws {
        let gate = try await Gate()
        let allowed: [HubConfig.Role: Set<Permission>] = [
            .admin: [.read, .write, .invoke, .admin], .deploy: [.read, .write], .invoke: [.invoke], .read: [.read],
        ]
        for role in HubConfig.Role.allCases {
            for permission in Permission.allCases {
                let may = allowed[role]?.contains(permission) == true
                #expect(gate.status(role.rawValue, permission) == (may ? 200 : 403))
            }
        }
        for header in [nil, "", "Bearer ", "Bearer nobody", "Basic admin", "admin"] {
            #expect(throws: Access.unknown) {
                try gate.keeper.admit(authorization: header, from: "10.0.0.1", for: [.read])
            }
        }
    }

    @Test func aTokenEndsAtItsTime() async throws {
        let gate = try await Gate()
        let token = try await gate.make(#"{"name":"a","role":"read","expiresInSeconds":100}"#)
        let cut = Mutex(0)
        let stream = try gate.keeper.began(try gate.admit(token.clear)) { cut.withLock { $0 += 1 } }
        gate.now.pass(99)
        try await gate.keeper.tidy()
        #expect(gate.status(token.clear) == 200 && cut.withLock { $0 } == 0)
        gate.now.pass(1)
        #expect(gate.status(token.clear) == 401)
        try await gate.keeper.tidy()
        #expect(cut.withLock { $0 } == 1)
        gate.keeper.ended(stream)
    }

    @Test func useIsKeptOnceAMinuteAndNotForEachCall() async throws {
        let gate = try await Gate()
        let token = try await gate.make(#"{"name":"a","role":"read"}"#)
        for _ in 0..<1_000 { _ = try gate.admit(token.clear) }
        #expect(await gate.store.writes == 0)
        try await gate.keeper.tidy()
        for _ in 0..<59 {
            gate.now.pass(1)
            _ = try gate.admit(token.clear)
        }
        try await gate.keeper.tidy()
        #expect(await gate.store.writes == 1)
        #expect(await gate.store.tokens().first?.lastUsed == 1_000)
        gate.now.pass(1)
        _ = try gate.admit(token.clear)
        try await gate.keeper.tidy()
        #expect(await gate.store.tokens().first?.lastUsed == 1_060)
        #expect(gate.keeper.list().first?.lastUsed == 1_060)
    }

    @Test func aRateHoldsForItsTokenOnly() async throws {
        let gate = try await Gate()
        let body = #"{"name":"NAME","role":"invoke","rate":{"perSecond":2,"burst":3}}"#
        let slow = try await gate.make(body.replacingOccurrences(of: "NAME", with: "slow"))
        let other = try await gate.make(body.replacingOccurrences(of: "NAME", with: "other"))
        #expect((0..<4).map { _ in gate.status(slow.clear, .invoke) } == [200, 200, 200, 429])
        #expect(gate.status(other.clear, .invoke) == 200)
        gate.now.pass(0.5)
        #expect((0..<2).map { _ in gate.status(slow.clear, .invoke) } == [200, 429])
        gate.now.pass(60)
        #expect((0..<4).map { _ in gate.status(slow.clear, .invoke) } == [200, 200, 200, 429])
        // What the role forbids is counted as well.
        #expect(gate.status(slow.clear, .write) == 429)
        #expect(gate.keeper.metricsText().contains("osiris_rate_limited_total{token=\"\(slow.id)\"} 4\n"))
        #expect(!gate.keeper.metricsText().contains(other.id))
    }

    @Test func theHubsRateIsForTokensWithoutOneAndNotForItsAdmin() async throws {
        let gate = try await Gate(rates: .init(token: Rate(perSecond: 1, burst: 1)))
        let own = try await gate.make(#"{"name":"own","role":"read","rate":{"perSecond":5}}"#)
        #expect((0..<2).map { _ in gate.status("read") } == [200, 429])
        #expect((0..<2).map { _ in gate.status("deploy") } == [200, 429])
        #expect((0..<6).map { _ in gate.status(own.clear) } == [200, 200, 200, 200, 200, 429])
        #expect((0..<50).allSatisfy { _ in gate.status("admin") == 200 })
    }

    @Test func whoTriesManyTokensIsToldToWait() async throws {
        let gate = try await Gate(rates: .init(failures: Rate(perSecond: 0.5, burst: 2)))
        let token = try await gate.make(#"{"name":"a","role":"read"}"#)
        #expect((0..<3).map { _ in gate.status(TokenText().clear) } == [401, 401, 429])
        // Others, and those behind the same address who have a token, are not held up.
        #expect(gate.status(TokenText().clear, from: "10.0.0.2") == 401)
        #expect(gate.status(token.clear) == 200)
        do {
            _ = try gate.admit("nobody")
            Issue.record("let in")
        } catch let error as HubError {
            #expect(error.code == "rate_limited" && error.retryAfter == 2 && error.retryable)
        }
        gate.now.pass(2)
        #expect((0..<2).map { _ in gate.status("nobody") } == [401, 429])
        #expect(gate.keeper.metricsText().contains("osiris_unauthorized_total 7\n"))
    }

    @Test func addressesAreForgottenAndNotKeptWithoutEnd() {
        var failures = FailedAttempts(rate: Rate(perSecond: 1, burst: 2))
        for number in 0..<10_000 { #expect(failures.fail(from: "10.0.\(number)", at: Double(number) / 1000) == nil) }
        #expect(failures.count <= FailedAttempts.mostAddresses)
        // One that is at it all the while is still known when the others were quiet for long.
        for time in 0..<3 { _ = failures.fail(from: "here", at: 100 + Double(time) / 1000) }
        #expect(failures.fail(from: "here", at: 100.1) != nil)
        for number in 0..<2_000 { _ = failures.fail(from: "10.1.\(number)", at: 100.2) }
        #expect(failures.count <= FailedAttempts.mostAddresses)
    }

    @Test func aBucketFillsAtItsRateAndNoHigher() {
        var bucket = TokenBucket(Rate(perSecond: 10, burst: 2), at: 0)
        #expect(bucket.take(at: 0) == nil && bucket.take(at: 0) == nil)
        #expect(bucket.take(at: 0) == 0.1)
        #expect(abs((bucket.take(at: 0.05) ?? 0) - 0.05) < 1e-9)
        #expect(bucket.take(at: 0.1) == nil)
        // A clock that was set back by an hour neither fills it nor empties it.
        #expect(bucket.take(at: -3600) != nil)
        #expect(bucket.take(at: -3599.5) == nil)
        #expect(bucket.take(at: 1e9) == nil && bucket.take(at: 1e9) == nil && bucket.take(at: 1e9) != nil)
    }

    @Test func metricsOfOtherNamespacesAreLeftOut() {
        let text = """
            # TYPE a counter
            a{function_name="f.demo",code="200"} 1
            a{function_name="f.other",code="200"} 2
            a{function_name="demo.other"} 3
            b{x="f.demo"} 4
            c 5

            """
        let caller = Caller(name: "x", role: .read, namespaces: ["demo"])
        #expect(
            VisibleMetrics.text(text, for: caller) == "# TYPE a counter\na{function_name=\"f.demo\",code=\"200\"} 1\n")
        #expect(VisibleMetrics.text(text, for: Caller(name: "x", role: .read)) == text)
    }
}
