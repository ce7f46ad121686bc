/// Something that happened on the hub and is worth knowing later. Plain.
public struct HubEvent: Sendable, Equatable, Codable {
    /// What happened. The words are part of the API.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case hubStarted = "hub-started"
        case hubStopping = "hub-stopping"
        /// The hub as `/ready` tells it.
        case ready
        case notReady = "not-ready"
        case deployed, deleted, scaled
        case versionProven = "version-proven"
        case versionFailed = "version-failed"
        case instanceStarted = "instance-started"
        case instanceEnded = "instance-ended"
        case crashLoopEntered = "crash-loop-entered"
        case crashLoopLeft = "crash-loop-left"
        case diskLow = "disk-low"
        case certificateExpiring = "certificate-expiring"
        case alertFired = "alert-fired"
        case alertResolved = "alert-resolved"
        case alertUndelivered = "alert-undelivered"
    }

    /// Grows with every event, from 1; 0 until it is stored.
    public internal(set) var id = 0
    /// Seconds since 1970.
    public var time: Double
    public var kind: Kind
    /// Absent for what concerns the hub as a whole.
    public var namespace: String?
    public var name: String?
    public var version: Int?
    public var instance: String?
    /// For people; it has no secrets.
    public var message: String?

    init(
        _ kind: Kind, _ function: FunctionName? = nil, version: Int? = nil, instance: String? = nil,
        _ message: String? = nil, time: Double
    ) {
        self.time = time
        self.kind = kind
        namespace = function?.namespace
        name = function?.name
        self.version = version
        self.instance = instance
        self.message = message.map { String($0.prefix(1000)) }
    }
}
