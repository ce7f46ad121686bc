/// Logins that many ask for and that are made once each, and again when they are lost.
actor SSHLogins<Key: Hashable & Sendable> {
    private var connections: [Key: Task<SSHConnection, any Error>] = [:]

    /// - Parameter make: logs in; runs once for all who ask meanwhile, even if the first of them is cancelled.
    /// - Throws: what `make` throws. A failure is not kept: who asks later tries again.
    func connection(
        for key: Key, _ make: @escaping @Sendable () async throws -> SSHConnection
    ) async throws -> SSHConnection {
        if let known = connections[key] {
            let connection = try await known.value
            if await connection.isUsable { return connection }
            // Another one may have made it anew meanwhile.
            if connections[key] == known { connections[key] = nil }
            return try await self.connection(for: key, make)
        }
        let task = Task { try await make() }
        connections[key] = task
        do {
            return try await task.value
        } catch {
            if connections[key] == task { connections[key] = nil }
            throw error
        }
    }

    /// Forgets a login, so that the next who asks gets a new one. Who has the old one keeps it.
    func forget(_ key: Key) { connections[key] = nil }

    /// Ends all in order.
    func closeAll() async {
        let all = connections.values
        connections = [:]
        await withTaskGroup(of: Void.self) { group in
            for task in all { group.addTask { await (try? task.value)?.close() } }
        }
    }
}
