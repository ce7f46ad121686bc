extension Controller {
    /// Makes a backup; changes wait meanwhile.
    func backup(_ backups: Backups) async throws -> OpenBackup {
        if let pause { throw pause }
        return try await serially { try await backups.make() }
    }

    /// - Throws: `HubError` 409 if there are functions, unless they are to go.
    func requireEmpty(unless force: Bool) throws {
        if units.isEmpty || force { return }
        throw HubError(
            409, "not_empty",
            "The hub has \(units.count) function\(units.count == 1 ? "" : "s"), which a restore would remove. "
                + "Nothing was changed; repeat with force=true if you mean it.")
    }

    /// Puts the functions of a backup in the place of those there are. Calls are refused meanwhile; those that run have
    /// `grace` to finish.
    func restore(
        _ draft: Backups.Draft, force: Bool, grace: Duration, fence: Fence?, audit: AuditTrail
    ) async throws {
        try await changing(Change(fence: fence)) {
            try await self.restoreNow(draft, force: force, grace: grace, audit: audit)
        }
    }

    private func restoreNow(_ draft: Backups.Draft, force: Bool, grace: Duration, audit: AuditTrail) async throws {
        try requireEmpty(unless: force)
        let decided = DecidedRestore(data: store.data)
        let record = audit.entry(status: 200, digest: draft.digest)
        restoring = true
        await letCallsFinish(within: grace)
        await stopInstances()
        do {
            try await BlockingWork.run { try decided.decide(draft, audit: record) }
            try await decided.replaceCatalog(catalog)
        } catch {
            try await BlockingWork.run { try decided.takeBack() }
            try await load()
            restoring = false
            throw error
        }
        audit.isWritten(record)
        // From here on there is only the way forward. If it is barred, calls stay refused until the next start tries it.
        try await BlockingWork.run { try decided.replaceFiles() }
        try await load()
        restoring = false
        logger.notice("Restored a backup", metadata: ["functions": "\(units.count)", "digest": "\(draft.digest)"])
    }

    /// Does what is left of a restore that a killed hub had decided.
    /// - Returns: false if there was none.
    static func finishRestore(in data: DataFolder, _ catalog: any Catalog) async throws -> Bool {
        let decided = DecidedRestore(data: data)
        guard try await BlockingWork.run({ decided.isThere }) else { return false }
        try await decided.replaceCatalog(catalog)
        try await BlockingWork.run { try decided.replaceFiles() }
        return true
    }

    /// Ends every instance and forgets every function, in memory only.
    private func stopInstances() async {
        let pools = units.values.flatMap { [$0.wanted, $0.previous].compactMap(\.self) }.map(\.pool) + retiring.values
        await withTaskGroup(of: Void.self) { group in
            for pool in pools { group.addTask { await pool.stop() } }
        }
        for (name, unit) in units {
            unit.log.end()
            observation.forget(name)
        }
        units = [:]
        highest = [:]
    }
}
