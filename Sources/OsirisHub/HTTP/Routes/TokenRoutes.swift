import Hummingbird

/// `/system/tokens`: makes, lists and revokes tokens.
struct TokenRoutes: RouteGroup {
    let gatekeeper: Gatekeeper

    func add(to router: GuardedRouter) {
        let gatekeeper = gatekeeper
        router.on(.get, "/system/tokens", .admin) { _, _, _ in
            .json(200, try HubJSON.encode(gatekeeper.list()))
        }
        router.audited(.post, "/system/tokens", .admin, as: "create-token") { request, _, caller, trail in
            let order = try TokenOrder(await request.bytes(upTo: 65_536))
            let (token, isNew) = try await gatekeeper.add(order, by: caller)
            trail.about(token: token.id)
            // The clear token is in this answer and nowhere else. A cache must not keep it (RFC 9111, section 5.2.2.5).
            return .json(
                isNew ? 201 : 200, try HubJSON.encode(Made(token: order.clear, about: token)),
                headers: [(.cacheControl, "no-store")])
        }
        router.audited(.delete, "/system/tokens/{id}", .admin, as: "revoke-token") { _, context, _, trail in
            let id = try context.parameters.require("id")
            trail.about(token: id)
            try await gatekeeper.revoke(id)
            return .json(200, Array(#"{"result":"revoked"}"#.utf8))
        }
    }

    /// What is shown of a token, with the clear one if the hub made it.
    private struct Made: Encodable {
        var token: String?
        var about: AccessToken

        private enum CodingKeys: CodingKey { case token }

        func encode(to encoder: any Encoder) throws {
            try about.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeIfPresent(token, forKey: .token)
        }
    }
}
