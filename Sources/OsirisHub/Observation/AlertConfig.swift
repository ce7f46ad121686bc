import Foundation

/// One entry of `alerts` in `hub.json`: whom to tell of what.
public struct AlertConfig: Codable, Sendable, Equatable {
    /// What the hub can tell of.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// A function keeps ending right after its start.
        case crashLoop = "crash-loop"
        /// Too many calls of a function are answered with 500 or more.
        case errorRate = "error-rate"
        /// The hub is not ready.
        case notReady = "not-ready"
    }

    /// When errors of a function are too many.
    public struct ErrorRate: Codable, Sendable, Equatable, Hashable {
        /// From this share of the calls on, 1...100.
        public var percent: Int
        /// Over so long, milliseconds, counted in whole minutes: 60,000...3,600,000.
        public var windowMs: Int
        /// With fewer calls than this in the window nothing is said, from 1.
        public var least: Int

        public init(percent: Int = 5, windowMs: Int = 300_000, least: Int = 20) {
            self.percent = percent
            self.windowMs = windowMs
            self.least = least
        }
    }

    /// Where the alert is POSTed to; unique among the entries.
    public var url: String
    /// The key of the signature, in the clear; nil for none.
    public var secret: String?
    public var on: [Kind]
    /// For `error-rate`; nil for the defaults.
    public var errorRate: ErrorRate?

    public init(url: String, secret: String? = nil, on: [Kind], errorRate: ErrorRate? = nil) {
        self.url = url
        self.secret = secret
        self.on = on
        self.errorRate = errorRate
    }

    /// The rate that counts for this entry; nil if it is not told of errors.
    var rate: ErrorRate? { on.contains(.errorRate) ? errorRate ?? ErrorRate() : nil }
}

extension AlertConfig: CustomReflectable {
    // Keeps the secret, and a URL that is one, out of dump() and of logs.
    public var customMirror: Mirror { Mirror(self, children: ["on": on]) }
}
