import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

/// The page at `/ui`, as far as it can be judged without a browser; `make test-ui` has one.
@Suite struct PageTests {
    @Test func itIsServedToAnybodyAndLoadsNothing() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.python("secretname", "def handle(): return 1\n"))
            let answer = try await hub.client.send("GET", "/ui", token: nil)
            #expect(answer.status == 200 && answer.headers["content-type"] == "text/html; charset=utf-8")
            #expect(answer.headers["x-content-type-options"] == "nosniff")
            #expect(answer.headers["referrer-policy"] == "no-referrer")
            #expect(answer.headers["cache-control"] == "no-store")
            #expect(!answer.text.contains("secretname") && !answer.text.contains("{{"))
            let links = answer.text.matches(of: #/(?:https?:)?\/\/[a-z0-9]/#).map { String($0.output) }
            // The name of the SVG namespace is not fetched.
            #expect(links == ["http://w"])
            #expect(!answer.text.contains("innerHTML") && !answer.text.contains("eval("))
            #expect(!answer.text.contains(#/<[^>]+ (?:on[a-z]+|style)=/#))
        }
    }

    @Test func itsPolicyAllowsItsOwnScriptAndStyleOnly() throws {
        let policy = Page.policy.split(separator: "; ").map(String.init)
        #expect(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"))
        #expect(policy.contains("require-trusted-types-for 'script'"))
        #expect(!Page.policy.contains("unsafe"))
        for tag in ["script", "style"] {
            let start = try #require(Page.document.range(of: "<\(tag)>")?.upperBound)
            let end = try #require(Page.document.range(of: "</\(tag)>")?.lowerBound)
            let digest = Data(Digest.sha256Bytes(Page.document[start..<end].utf8)).base64EncodedString()
            #expect(policy.contains("\(tag)-src 'sha256-\(digest)'"))
        }
    }
}
