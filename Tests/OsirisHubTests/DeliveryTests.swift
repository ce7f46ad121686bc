import Foundation
import Testing

@testable import OsirisHub

struct DeliveryTests {
    @Test(arguments: [
        "ftp://example.com/", "example.com", "http://", "http:///x", "https://user:word@example.com/",
        "http://user@example.com/", "http://a b/", "http://example.com\\@169.254.169.254/",
        "http://169.254.169.254/meta",
        "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/", "http://[64:ff9b::a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
        "http://example.com/" + String(repeating: "x", count: 2_048),
    ])
    func faultyAddressesAreRefused(url: String) { #expect(DeliveryRules().fault(url) != nil) }

    @Test(arguments: [
        "http://example.com", "HTTPS://example.com:8443/a?b=c#d", "http://127.0.0.1:1/", "http://[::1]/",
        "http://169.253.1.1/",
    ])
    func othersAreNot(url: String) { #expect(DeliveryRules().fault(url) == nil) }

    @Test func theOperatorNamesHosts() {
        let rules = DeliveryRules(allow: ["Hooks.example.com", "*.inner.example", "10.0.0.7"])
        for url in ["http://hooks.example.com/", "https://a.b.INNER.example:1/", "http://10.0.0.7/"] {
            #expect(rules.fault(url) == nil, "\(url)")
        }
        for url in ["http://example.com/", "http://inner.example/", "http://xinner.example/", "http://10.0.0.8/"] {
            #expect(rules.fault(url)?.contains("does not allow the host") == true, "\(url)")
        }
        #expect(DeliveryRules(allow: []).fault("http://127.0.0.1/") != nil)
    }

    @Test func whatIsSentArrivesAndOutcomesAreToldApart() async throws {
        try await TestListener.with(answers: [
            .init(status: 204), .init(status: 503, headers: ["Retry-After": "7"]), .init(status: 404),
            .init(status: 302, headers: ["Location": "/elsewhere"]), .init(status: 200, bytes: 2 << 20),
        ]) { listener in
            let delivery = Delivery()
            let message = Delivery.Message(
                url: listener.url + "/a?b=c", headers: [("X-Call-Id", "abc")], contentType: "text/plain",
                body: [104, 105])
            #expect(await delivery.post(message) == .delivered(status: 204))
            let busy = await delivery.post(message)
            #expect(busy == .refused(status: 503, retryAfter: 7) && busy.isWorthRetrying)
            let missing = await delivery.post(message)
            #expect(missing == .refused(status: 404, retryAfter: nil) && !missing.isWorthRetrying)
            let moved = await delivery.post(message)
            #expect(moved == .refused(status: 302, retryAfter: nil) && !moved.isWorthRetrying)
            guard case .failed(let reason, false) = await delivery.post(message) else {
                Issue.record("A large answer was taken")
                return
            }
            #expect(reason.contains("larger than"))
            let received = try listener.received()
            #expect(received.count == 5)
            let first = try #require(received.first)
            #expect(first.method == "POST" && first.path == "/a?b=c" && first.body == "hi")
            #expect(first.headers["x-call-id"] == "abc" && first.headers["content-type"] == "text/plain")
            #expect(first.headers["authorization"] == nil)
        }
        let nobody = await Delivery().post(.init(url: "http://127.0.0.1:1/", contentType: "a/b", body: []))
        #expect(nobody.isWorthRetrying)
        let refused = await Delivery().post(.init(url: "http://169.254.169.254/", contentType: "a/b", body: []))
        #expect(!refused.isWorthRetrying)
    }
}
