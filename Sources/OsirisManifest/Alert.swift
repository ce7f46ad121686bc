import OsirisModel

extension HubSpec {
    /// One entry of `spec.hub.alerts`: whom the hub tells of what.
    public struct Alert: Sendable, Equatable {
        /// What can be told.
        public static let kinds = ["crash-loop", "error-rate", "not-ready"]

        /// `.string`, or `.secret` where a secret variable was used.
        public var url: Value
        /// `.secret`, or nil.
        public var secret: Value?
        /// Some of `kinds`.
        public var on: [String]
        public var errorRate: ErrorRate?

        /// When errors of a function are too many.
        public struct ErrorRate: Sendable, Equatable {
            /// 1-100.
            public var percent: Int
            /// 60,000-3,600,000.
            public var windowMilliseconds: Int
            /// From 1.
            public var least: Int
        }

        /// As `hub.json` has it, but for secrets.
        public var value: Value {
            var fields: [String: Value] = ["url": url, "on": .list(on.map(Value.string))]
            fields["secret"] = secret
            fields["errorRate"] = errorRate.map {
                ["percent": .int($0.percent), "windowMs": .int($0.windowMilliseconds), "least": .int($0.least)]
            }
            return .map(fields)
        }
    }
}
