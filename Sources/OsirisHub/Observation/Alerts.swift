import Foundation
import Logging

/// Tells of incidents: keeps what is to be told until it arrived, or an hour has passed.
///
/// Each address gets its messages in order, at least once each; the incident's id tells repetitions.
actor Alerts {
    typealias Post = @Sendable (Delivery.Message) async -> Delivery.Outcome

    private let config: [AlertConfig]
    private let cluster: String
    private let hub: String
    private let store: ObservationStore
    private let events: Events
    private let logger: Logger
    private let post: Post
    private var incidents: Incidents
    private var waiting: [AlertMessage] = []

    /// Takes up what an earlier hub left.
    /// - Parameters:
    ///   - hub: the hub's resource address, for the messages.
    ///   - post: sends one message once.
    init(
        _ config: [AlertConfig], cluster: String, hub: String, store: ObservationStore, events: Events,
        patience: @escaping @Sendable (AlertConfig.Kind) -> Incidents.Patience = { Incidents.Patience.of($0) },
        logger: Logger, post: @escaping Post
    ) async throws {
        self.config = config
        self.cluster = cluster
        self.hub = hub
        self.store = store
        self.events = events
        self.logger = logger
        self.post = post
        incidents = Incidents(open: try await store.openIncidents(), patience: patience)
        waiting = try await store.messages()
    }

    /// The rates somebody wants to be told of.
    nonisolated var rates: Set<AlertConfig.ErrorRate> { Set(config.compactMap(\.rate)) }

    /// Takes what is wrong now and notes what begins and ends with it.
    /// - Returns: the incidents that begin or end now.
    @discardableResult
    func look(_ troubles: [Incidents.Trouble: String], at now: Double) async -> [Incidents.Incident] {
        let changes = incidents.look(troubles, at: now) { UUID().uuidString.lowercased() }
        for incident in changes {
            let body = AlertMessage.body(of: incident, cluster: cluster, hub: hub)
            let messages = config.filter { $0.isTold(of: incident.trouble) }
                .map { AlertMessage(incident: incident.id, url: $0.url, body: body, created: now, next: now) }
            do {
                waiting += try await store.note(incident, messages)
            } catch {
                // Better told and forgotten at a restart than not told.
                logger.error("An alert cannot be stored: \(error)")
                waiting += messages
            }
            tell(incident)
        }
        return changes
    }

    private func tell(_ incident: Incidents.Incident) {
        let (trouble, began) = (incident.trouble, incident.ended == nil)
        if trouble.kind == .crashLoop {
            events.tell(began ? .crashLoopEntered : .crashLoopLeft, trouble.function, incident.message)
        }
        if config.contains(where: { $0.isTold(of: trouble) }) {
            events.tell(
                began ? .alertFired : .alertResolved, trouble.function,
                "\(trouble.kind.rawValue) \(incident.id): \(incident.message)")
        }
    }

    /// Tries to deliver what is due: of each address the oldest message, all addresses at once.
    func deliver(at now: Double) async {
        var first: [String: AlertMessage] = [:]
        for message in waiting where first[message.url] == nil { first[message.url] = message }
        await withTaskGroup(of: Void.self) { group in
            for message in first.values where message.next <= now {
                group.addTask { await self.deliver(message, at: now) }
            }
        }
    }

    private func deliver(_ message: AlertMessage, at now: Double) async {
        guard let entry = config.first(where: { $0.url == message.url }) else { return await remove(message) }
        var headers = [(name: "X-Osiris-Incident", value: message.incident)]
        if let secret = entry.secret {
            headers.append(
                (name: "X-Osiris-Signature", value: AlertMessage.signature(message.body, secret: secret)))
        }
        let outcome = await post(
            .init(url: message.url, headers: headers, contentType: "application/json", body: Array(message.body.utf8)))
        if case .delivered = outcome { return await remove(message) }
        // The hub ends: the next one tries again.
        if Task.isCancelled { return }
        var later = message
        later.attempts += 1
        later.next = now + AlertMessage.wait(after: later.attempts)
        guard outcome.isWorthRetrying, later.next < message.created + AlertMessage.patience else {
            logger.error("An alert is given up after \(later.attempts) tries: \(outcome)")
            events.tell(.alertUndelivered, nil, "\(message.incident) after \(later.attempts) tries: \(outcome.words)")
            return await remove(message)
        }
        if let index = waiting.firstIndex(of: message) { waiting[index] = later }
        do { try await store.postpone(later) } catch { logger.error("An alert cannot be stored: \(error)") }
    }

    private func remove(_ message: AlertMessage) async {
        waiting.removeAll { $0 == message }
        do { try await store.remove(message) } catch { logger.error("An alert cannot be removed: \(error)") }
    }
}

extension AlertConfig {
    func isTold(of trouble: Incidents.Trouble) -> Bool {
        on.contains(trouble.kind) && (trouble.kind != .errorRate || trouble.rate == rate)
    }
}

extension Delivery.Outcome {
    /// How it went, for people.
    var words: String {
        switch self {
        case .delivered(let status), .refused(let status, _): "answered \(status)"
        case .failed(let reason, _): reason
        }
    }
}
