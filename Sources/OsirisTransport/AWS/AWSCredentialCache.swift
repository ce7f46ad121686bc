import Foundation

/// The credentials of a run: found once for each identity, and anew before they end. Calls that need the same ones at the
/// same time share one search.
public actor AWSCredentialCache {
    /// Credentials with less than this left are renewed, so that none ends on its way.
    private static let reserve: TimeInterval = 300

    private struct Entry {
        var credentials: AWSCredentials?
        var search: Task<AWSCredentials, any Error>?
    }

    private let environment: [String: String]
    private let home: String
    private let fetch: AWSCredentialFetch
    private let now: @Sendable () -> Date
    private var settingsTask: Task<AWSSettings, Never>?
    private var entries: [AWSIdentity: Entry] = [:]

    /// - Parameters:
    ///   - home: the folder of `.aws`.
    ///   - now: the clock that expiries are held against.
    public init(
        environment: [String: String], home: String, http: any HTTPSending,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.environment = environment
        self.home = home
        self.now = now
        fetch = AWSCredentialFetch(http: http, now: now)
    }

    /// What the environment and the shared files say; read once.
    public func settings() async -> AWSSettings {
        if let settingsTask { return await settingsTask.value }
        let task = Task { [environment, home] in await AWSSettings.load(environment: environment, home: home) }
        settingsTask = task
        return await task.value
    }

    /// - Parameter region: where STS is asked, if the settings name no region.
    /// - Throws: `AWSCredentialsError`; `CancellationError`.
    public func credentials(_ identity: AWSIdentity, region: String) async throws -> AWSCredentials {
        let known = entries[identity]?.credentials
        if let known, isFresh(known) { return known }
        do {
            return try await search(identity, region: region).value
        } catch  where known?.expiry.map({ $0 > now() }) == true {
            // They still serve; the next call tries again to renew them.
            try Task.checkCancellation()
            return known!
        }
    }

    /// Takes note that a service says these have ended. Files are read anew then: another program may have renewed them.
    public func forget(_ credentials: AWSCredentials, of identity: AWSIdentity) {
        guard entries[identity]?.credentials == credentials else { return }
        entries[identity]?.credentials = nil
        settingsTask = nil
    }

    private func isFresh(_ credentials: AWSCredentials) -> Bool {
        credentials.expiry.map { $0.timeIntervalSince(now()) > Self.reserve } ?? true
    }

    /// The one search that is under way. Not ended with the call that began it, since others may wait for it.
    private func search(_ identity: AWSIdentity, region: String) -> Task<AWSCredentials, any Error> {
        if let search = entries[identity]?.search { return search }
        let task = Task {
            let settings = await self.settings()
            let chain = AWSCredentialChain(settings: settings, fetch: fetch, region: region)
            do {
                let found = try await chain.find(identity)
                self.entries[identity] = Entry(credentials: found)
                return found
            } catch {
                self.entries[identity]?.search = nil
                throw error
            }
        }
        entries[identity, default: Entry()].search = task
        return task
    }
}
