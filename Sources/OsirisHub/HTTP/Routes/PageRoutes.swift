import HTTPTypes
import Hummingbird

/// `/ui`: the built-in page. It asks for a token itself, so it needs none.
struct PageRoutes: RouteGroup {
    func add(to router: GuardedRouter) {
        router.open(.get, "/ui") { _, _ in
            .text(
                200, Array(Page.document.utf8), type: "text/html; charset=utf-8",
                headers: [
                    (.contentSecurityPolicy, Page.policy), (.xContentTypeOptions, "nosniff"),
                    (.referrerPolicy, "no-referrer"), (.openerPolicy, "same-origin"), (.cacheControl, "no-store"),
                ])
        }
    }
}

extension HTTPField.Name {
    static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .contentType
    static let openerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy") ?? .contentType
}
