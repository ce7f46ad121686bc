import OsirisManifest
import OsirisModel

/// The machines that serve and that a plan changes, in the order in which they begin, and the bounds they keep to.
///
/// Only machines that have a hub and get an update or a replacement are here: nothing is served by a new one.
public struct PlannedRollout: Sendable, Equatable {
    public struct Machine: Sendable, Equatable {
        /// What everything on it stands on.
        public var root: ResourceAddress
        public var domain: String
        /// Its hub does not serve now: it counts as unavailable until its turn has passed.
        public var isBroken: Bool
        /// It begins together with the one before it, because their operations need each other in a circle.
        public var goesWithPrevious: Bool
        /// Machines whose operations its own need: it does not begin before they have. Indices in `machines`, ascending.
        public var needs: [Int]
        /// Its turn: indices in `Plan.operations`.
        public var operations: [Int]
        /// The longest that functions on it may not answer, if nothing fails; 0 if they answer all the while, nil if
        /// that is not known.
        public var outageMilliseconds: Int?

        public init(
            root: ResourceAddress, domain: String, isBroken: Bool = false, goesWithPrevious: Bool = false,
            needs: [Int] = [], operations: [Int], outageMilliseconds: Int? = nil
        ) {
            self.root = root
            self.domain = domain
            self.isBroken = isBroken
            self.goesWithPrevious = goesWithPrevious
            self.needs = needs
            self.operations = operations
            self.outageMilliseconds = outageMilliseconds
        }
    }

    public struct Target: Sendable, Equatable {
        public var name: String
        /// Machines that have a hub.
        public var machines: Int
        /// How many of them may be out of service, at least 1.
        public var limit: Int
        /// How many do not serve before the first operation, those that the plan changes included.
        public var broken: Int

        public init(name: String, machines: Int, limit: Int, broken: Int = 0) {
            self.name = name
            self.machines = machines
            self.limit = limit
            self.broken = broken
        }
    }

    public var spec: RolloutSpec
    public var machines: [Machine]
    /// Those of `machines`, by name.
    public var targets: [Target]

    public init(spec: RolloutSpec, machines: [Machine], targets: [Target]) {
        self.spec = spec
        self.machines = machines
        self.targets = targets
    }

    /// How many of `machines`, from the first, go before all others.
    public var canaries: Int { min(spec.canary, machines.count) }
}
