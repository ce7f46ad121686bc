/// Tells when something that is wrong begins and ends, once each. Plain: the caller says what is wrong and when it looked.
///
/// What comes and goes quickly is one incident: it begins after `Patience.before` without a break and ends after
/// `Patience.after` without a sign.
struct Incidents: Sendable {
    /// What can be wrong. Equal ones are the same incident.
    struct Trouble: Sendable, Hashable, Codable {
        var kind: AlertConfig.Kind
        /// Nil for the hub as a whole.
        var function: FunctionName?
        /// For `error-rate`: which rate.
        var rate: AlertConfig.ErrorRate?
    }

    /// One that began and has not ended.
    struct Incident: Sendable, Equatable, Codable {
        /// Unique for all time.
        var id: String
        var trouble: Trouble
        /// Seconds since 1970, as is `ended`.
        var began: Double
        var ended: Double?
        /// For people: how it was when it began.
        var message: String
    }

    /// Seconds a trouble lasts before it counts, and is gone before it is over.
    struct Patience: Sendable, Equatable {
        var before: Double
        var after: Double

        static func of(_ kind: AlertConfig.Kind) -> Patience {
            switch kind {
            // A broken function looks ready for a moment between two ends; `healthyAfter` is the end of a quick one.
            case .crashLoop: Patience(before: 0, after: RestartPolicy.healthyAfter + 5)
            case .errorRate: Patience(before: 0, after: 60)
            // A start and an update take a while.
            case .notReady: Patience(before: 30, after: 5)
            }
        }
    }

    private var open: [Trouble: Incident]
    private var since: [Trouble: Double] = [:]
    private var lastSeen: [Trouble: Double] = [:]
    private let patience: @Sendable (AlertConfig.Kind) -> Patience

    /// - Parameter open: those that an earlier hub left open.
    init(
        open: [Incident] = [], patience: @escaping @Sendable (AlertConfig.Kind) -> Patience = { Patience.of($0) }
    ) {
        self.open = Dictionary(open.map { ($0.trouble, $0) }) { first, _ in first }
        self.patience = patience
    }

    /// Takes what is wrong now, with words for people.
    /// - Parameters:
    ///   - id: makes a new id.
    ///   - now: seconds since 1970.
    /// - Returns: the incidents that begin or end now.
    mutating func look(_ troubles: [Trouble: String], at now: Double, id: () -> String) -> [Incident] {
        var changes: [Incident] = []
        since = since.filter { troubles[$0.key] != nil }
        for (trouble, message) in troubles {
            lastSeen[trouble] = now
            let first = since[trouble, default: now]
            since[trouble] = first
            guard open[trouble] == nil, now - first >= patience(trouble.kind).before else { continue }
            let incident = Incident(id: id(), trouble: trouble, began: first, message: message)
            open[trouble] = incident
            changes.append(incident)
        }
        for (trouble, incident) in open where troubles[trouble] == nil {
            // One that an earlier hub left open counts from the first look of this one.
            let seen = lastSeen[trouble, default: now]
            lastSeen[trouble] = seen
            guard now - seen >= patience(trouble.kind).after else { continue }
            open[trouble] = nil
            var over = incident
            over.ended = now
            changes.append(over)
        }
        lastSeen = lastSeen.filter { open[$0.key] != nil }
        return changes.sorted { ($0.began, $0.id) < ($1.began, $1.id) }
    }
}
