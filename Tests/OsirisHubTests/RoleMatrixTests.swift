import Foundation
import Testing

@testable import OsirisHub

/// Who may do what: 4 roles, with and without namespaces, on every route there is.
@Suite(.serialized) struct RoleMatrixTests {
    /// What a route is about, as far as a token's namespaces matter.
    private enum Scope {
        /// One namespace, which the request names.
        case namespace
        /// All at once: nothing for a token of some namespaces.
        case hub
        /// Shows of it what the token may see.
        case filtered
    }

    /// A route, who may take it, and a request for it.
    private struct Row {
        /// One of them is enough.
        var permissions: [Permission]
        var scope: Scope
        /// A path for a namespace.
        var path: @Sendable (String) -> String
        var body: @Sendable (String) -> String = { _ in "" }

        init(
            permission: Permission, scope: Scope, path: @escaping @Sendable (String) -> String,
            body: @escaping @Sendable (String) -> String = { _ in "" }
        ) {
            (permissions, self.scope, self.path, self.body) = ([permission], scope, path, body)
        }

        init(anyOf permissions: [Permission], scope: Scope, path: @escaping @Sendable (String) -> String) {
            (self.permissions, self.scope, self.path, body) = (permissions, scope, path, { _ in "" })
        }
    }

    private static let table: [String: Row] = {
        let deployment: @Sendable (String) -> String = { namespace in
            let file = ["path": "code.py", "base64": Data("def handle(): pass\n".utf8).base64EncodedString()]
            let fields: [String: Any] = [
                "name": "new", "namespace": namespace, "runtime": "python3", "handler": "code.handle", "files": [file],
                "scale": ["min": 0],
            ]
            return String(decoding: (try? JSONSerialization.data(withJSONObject: fields)) ?? Data(), as: UTF8.self)
        }
        let deletion: @Sendable (String) -> String = { #"{"functionName":"none","namespace":"\#($0)"}"# }
        var table: [String: Row] = [
            "GET /metrics": Row(permission: .read, scope: .filtered) { _ in "/metrics" },
            "GET /metrics/functions/{id}": Row(permission: .read, scope: .namespace) {
                "/metrics/functions/none.\($0)"
            },
            "GET /metrics/system": Row(permission: .read, scope: .filtered) { _ in "/metrics/system" },
            "GET /system/info": Row(permission: .read, scope: .filtered) { _ in "/system/info" },
            "GET /system/namespaces": Row(permission: .read, scope: .filtered) { _ in "/system/namespaces" },
            "GET /system/functions": Row(permission: .read, scope: .filtered) { _ in "/system/functions" },
            "GET /system/function/{name}": Row(permission: .read, scope: .namespace) {
                "/system/function/none?namespace=\($0)"
            },
            "GET /system/function/{name}/versions": Row(permission: .read, scope: .namespace) {
                "/system/function/none/versions?namespace=\($0)"
            },
            "GET /system/instances": Row(permission: .read, scope: .filtered) { _ in "/system/instances" },
            "POST /system/rollback-function/{name}": Row(
                permission: .write, scope: .namespace, path: { "/system/rollback-function/none?namespace=\($0)" },
                body: { _ in "{}" }),
            "POST /system/annotate-function/{name}": Row(
                permission: .write, scope: .namespace, path: { "/system/annotate-function/none?namespace=\($0)" },
                body: { _ in #"{"annotations":{"of":"none"}}"# }),
            "GET /system/audit": Row(permission: .admin, scope: .hub) { _ in "/system/audit" },
            "GET /system/backup": Row(permission: .admin, scope: .hub) { _ in "/system/backup" },
            "POST /system/restore": Row(permission: .admin, scope: .hub) { _ in "/system/restore" },
            "GET /system/logs": Row(permission: .read, scope: .namespace) { "/system/logs?name=none&namespace=\($0)" },
            "PUT /system/functions": Row(
                permission: .write, scope: .namespace, path: { _ in "/system/functions" }, body: deployment),
            "POST /system/functions": Row(
                permission: .write, scope: .namespace, path: { _ in "/system/functions" }, body: deployment),
            "DELETE /system/functions": Row(
                permission: .write, scope: .namespace, path: { _ in "/system/functions" }, body: deletion),
            "POST /system/scale-function/{name}": Row(
                permission: .write, scope: .namespace, path: { "/system/scale-function/none?namespace=\($0)" },
                body: { _ in #"{"replicas":1}"# }),
            "PUT /system/fence": Row(permission: .write, scope: .hub) { _ in "/system/fence" },
            "GET /system/tokens": Row(permission: .admin, scope: .hub) { _ in "/system/tokens" },
            "POST /system/tokens": Row(permission: .admin, scope: .hub) { _ in "/system/tokens" },
            "DELETE /system/tokens/{id}": Row(permission: .admin, scope: .hub) { _ in "/system/tokens/none" },
            "POST /functions": Row(
                permission: .write, scope: .namespace, path: { _ in "/functions" }, body: deployment),
            "GET /functions/{id}": Row(permission: .read, scope: .namespace) { "/functions/none.\($0)" },
            "PUT /functions/{id}": Row(
                permission: .write, scope: .namespace, path: { "/functions/new.\($0)" }, body: deployment),
            "DELETE /functions/{id}": Row(permission: .write, scope: .namespace) { "/functions/none.\($0)" },
            "GET /system/events": Row(permission: .read, scope: .filtered) { _ in "/system/events" },
            "GET /system/usage": Row(permission: .read, scope: .namespace) { "/system/usage?namespace=\($0)" },
            "GET /system/series": Row(permission: .read, scope: .filtered) { _ in "/system/series" },
            "GET /v1/calls": Row(anyOf: [.read, .invoke], scope: .namespace) { "/v1/calls?namespace=\($0)" },
            "GET /system/dead-letters": Row(anyOf: [.read, .invoke], scope: .namespace) {
                "/system/dead-letters?namespace=\($0)"
            },
            // What these are about is known by the call only; there is none.
            "GET /v1/calls/{id}": Row(anyOf: [.read, .invoke], scope: .filtered) { _ in "/v1/calls/none" },
            "GET /v1/calls/{id}/logs": Row(permission: .read, scope: .filtered) { _ in "/v1/calls/none/logs" },
            "GET /v1/calls/{id}/result": Row(permission: .invoke, scope: .filtered) { _ in "/v1/calls/none/result" },
            "DELETE /v1/calls/{id}": Row(permission: .invoke, scope: .filtered) { _ in "/v1/calls/none" },
            "POST /v1/calls/{id}/retry": Row(permission: .invoke, scope: .filtered) { _ in "/v1/calls/none/retry" },
            "POST /execute/{id}": Row(permission: .invoke, scope: .namespace) { "/execute/none.\($0)" },
        ]
        for method in CallRoutes.methods.map(\.rawValue) {
            for path in ["function", "async-function", "run"] {
                table["\(method) /\(path)/**"] = Row(permission: .invoke, scope: .namespace) {
                    "/\(path)/\($0)/none"
                }
            }
        }
        return table
    }()

    /// Those that are tried. The others have their rule; they are for calls only, by the same code.
    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]

    private static let allowed: [HubConfig.Role: Set<Permission>] = [
        .admin: [.read, .write, .invoke, .admin], .deploy: [.read, .write], .invoke: [.invoke], .read: [.read],
    ]

    /// A new route without a row here fails the test.
    @Test func everyRouteHasARule() async throws {
        try await TestHub.with { hub in
            let open = hub.routes.filter(\.permissions.isEmpty).map(\.description)
            // The page holds nothing of the hub: it asks for a token.
            let all = ["/healthz", "/ready", "/ui"].flatMap { ["GET \($0)", "HEAD \($0)"] }
            #expect(Set(open) == Set(all), "nothing else is for everybody")
            let guarded = hub.routes.filter { !$0.permissions.isEmpty }
            #expect(Set(guarded.map(\.description)) == Set(Self.table.keys))
            for rule in guarded { #expect(rule.permissions == Self.table[rule.description]?.permissions, "\(rule)") }
        }
    }

    @Test func everyRoleOnEveryRoute() async throws {
        try await TestHub.with { hub in
            for role in HubConfig.Role.allCases {
                let own = try await hub.client.makeToken(role.rawValue, role: role, namespaces: ["demo"])
                for (name, row) in Self.table.sorted(by: { $0.key < $1.key }) {
                    let method = name.split(separator: " ").first.map(String.init) ?? ""
                    guard Self.methods.contains(method) else { continue }
                    for (token, isKept) in [(role.rawValue, false), (own, true)] {
                        for namespace in ["demo", "other"] {
                            let answer = try await hub.client.send(
                                method, row.path(namespace), body: row.body(namespace), token: token)
                            var may = row.permissions.contains { Self.allowed[role]?.contains($0) == true }
                            if isKept, row.scope == .hub { may = false }
                            if isKept, row.scope == .namespace, namespace == "other" { may = false }
                            let what = "\(role), \(isKept ? "demo only" : "all"), \(name), \(namespace)"
                            #expect((answer.status == 403) == !may, "\(what): \(answer.status)")
                            #expect(answer.status != 401 && answer.status != 429 && answer.status != 500, "\(what)")
                            if !may, method != "HEAD" { #expect(answer.code == "forbidden", "\(what)") }
                        }
                    }
                }
            }
        }
    }

    @Test func nobodyGetsInWithoutAToken() async throws {
        // As many failures as this test has are not slowed down.
        let rates = HubConfig.Rates(failures: Rate(perSecond: 1000, burst: 10_000))
        let folder = try TestHub.makeFolder(rates: rates)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            for (name, row) in Self.table {
                let method = name.split(separator: " ").first.map(String.init) ?? ""
                guard Self.methods.contains(method) else { continue }
                for token in [nil, "nobody", "", "osr_abcdefgh_" + String(repeating: "A", count: 43)] {
                    let answer = try await hub.client.send(
                        method, row.path("demo"), body: row.body("demo"), token: token)
                    #expect(answer.status == 401, "\(name): \(answer.status)")
                    if method != "HEAD" { #expect(answer.code == "unauthorized", "\(name)") }
                    #expect(answer.headers["www-authenticate"] == "Bearer")
                }
            }
            for path in ["/healthz", "/ready"] {
                #expect(try await hub.client.send("GET", path, token: nil).status == 200)
            }
            let unknown = try await hub.client.send("GET", "/else")
            #expect(unknown.status == 404 && unknown.code == "not_found")
        }
    }
}

extension Client {
    /// Makes a token as the hub's admin.
    /// - Returns: the clear token.
    func makeToken(
        _ name: String, role: HubConfig.Role, namespaces: [String]? = nil, _ more: [String: Any] = [:]
    ) async throws -> String {
        var fields: [String: Any] = ["name": name, "role": role.rawValue]
        fields["namespaces"] = namespaces
        fields.merge(more) { $1 }
        let body = String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
        let answer = try await send("POST", "/system/tokens", body: body)
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(answer.json["token"] as? String)
    }
}
