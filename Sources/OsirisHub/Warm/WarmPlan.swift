/// How many interpreters should wait for a function, and of which shapes. Plain.
enum WarmPlan {
    /// What the operator allows.
    struct Bounds: Sendable, Equatable {
        /// Interpreters of one shape, 0...16; 0 for none at all.
        var each = 1
        /// Interpreters altogether, 0...64.
        var most = 8
        /// Resident memory of them all, bytes.
        var bytes = 268_435_456

        init(_ config: HubConfig.Warm? = nil) {
            each = config?.each ?? each
            most = config?.most ?? most
            bytes = config?.bytes ?? bytes
        }
    }

    /// What functions could make of a shape.
    struct Demand: Sendable, Equatable {
        /// Instances that they could still start, from 1.
        var instances: Int
        /// When one was taken last, seconds of any clock; 0 for never.
        var lastUse = 0.0
    }

    /// The shapes used last come first, then those that most instances could use.
    /// - Parameter cost: resident memory of one, bytes.
    static func wanted(
        _ demand: [WarmShape: Demand], within bounds: Bounds, cost: (WarmShape) -> Int
    ) -> [WarmShape: Int] {
        let shapes = demand.sorted {
            ($1.value.lastUse, $1.value.instances, "\($0.key)") < ($0.value.lastUse, $0.value.instances, "\($1.key)")
        }
        var wanted: [WarmShape: Int] = [:]
        var (count, bytes) = (0, 0)
        for (shape, demand) in shapes {
            for _ in 0..<min(bounds.each, demand.instances) where count < bounds.most {
                guard bytes + cost(shape) <= bounds.bytes else { break }
                wanted[shape, default: 0] += 1
                count += 1
                bytes += cost(shape)
            }
        }
        return wanted
    }
}
