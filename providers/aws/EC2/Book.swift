import OsirisProviderKit
import Synchronization

/// What this process has done so far: by it a lost answer, a new object that is not listed yet, and one that is listed and
/// no longer there are told apart. In memory only; another process asks EC2.
final class Book: Sendable {
    private struct Pages {
        var tokens: Set<String> = []
        var lost: [String: ContinuousClock.Instant] = [:]
        var asked: [String: ContinuousClock.Instant] = [:]
        var made: [String: ContinuousClock.Instant] = [:]
        var removed: Set<String> = []
    }

    private let pages = Mutex(Pages())

    /// Notes the try of a create; true if it is not the first one with this token.
    func begin(_ token: String) -> Bool { pages.withLock { !$0.tokens.insert(token).inserted } }

    func lost(_ token: String) { pages.withLock { $0.lost[token] = .now } }

    /// Since when a create is known of that may have taken effect and is not seen: since its answer was lost; or, if another
    /// process was cut off in it, which may have been a moment ago, since this one asked first.
    func unseen(_ request: OperationRequest) -> ContinuousClock.Instant? {
        pages.withLock { pages in
            if let lost = pages.lost[request.token] { return lost }
            guard request.isCutOff, !pages.tokens.contains(request.token) else { return nil }
            let first = pages.asked[request.token] ?? .now
            pages.asked[request.token] = first
            return first
        }
    }

    func made(_ id: String) { pages.withLock { $0.made[id] = .now } }

    /// True if one of these objects is so new that parts of EC2 may not know it yet.
    func hasNew(_ ids: some Sequence<String>, within: Duration) -> Bool {
        let since = ContinuousClock.now - within
        return pages.withLock { pages in ids.contains { pages.made[$0].map { $0 > since } ?? false } }
    }

    func removed(_ id: String) { pages.withLock { _ = $0.removed.insert(id) } }

    func isRemoved(_ id: String) -> Bool { pages.withLock { $0.removed.contains(id) } }
}
