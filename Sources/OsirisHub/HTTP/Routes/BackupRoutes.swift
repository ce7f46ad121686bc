import HTTPTypes
import Hummingbird

/// `/system/backup` and `/system/restore`: everything a hub keeps in one file, secrets in the clear among it.
struct BackupRoutes: RouteGroup {
    let controller: Controller
    let backups: Backups

    func add(to router: GuardedRouter) {
        let (controller, backups) = (controller, backups)
        router.audited(.get, "/system/backup", .admin, as: "backup") { _, _, _, trail in
            let backup = try await controller.backup(backups)
            trail.about(digest: backup.digest)
            let headers: HTTPFields = [.contentType: "application/vnd.sqlite3", .cacheControl: "no-store"]
            return Response(status: .ok, headers: headers, body: backup.body())
        }
        router.audited(.post, "/system/restore", .admin, as: "restore") { request, _, _, trail in
            let force = request.uri.queryParameters["force"] == "true"
            // Told before the body comes, it need not come.
            try await controller.requireEmpty(unless: force)
            let draft = try await backups.receive(request.body)
            do {
                try await controller.restore(
                    draft, force: force, grace: Hub.drainGrace, fence: try Fence(request.headers), audit: trail)
            } catch {
                await backups.drop(draft)
                throw error
            }
            let restored = Restored(functions: await controller.functionCount, digest: draft.digest)
            return .json(200, try HubJSON.encode(restored))
        }
    }

    private struct Restored: Encodable {
        var result = "restored"
        var functions: Int
        var digest: String
    }
}
