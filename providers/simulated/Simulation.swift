import OsirisModel
import OsirisProviderKit

/// How a simulated place behaves: pure answers from a seed, so that a run can be repeated.
struct Simulation: Sendable, Equatable {
    enum Action: String, Sendable {
        case read, create, update, move, delete, resolve
        case putBack = "put-back"
    }

    var latencyMilliseconds: Int
    var jitterMilliseconds: Int
    var seed: Int
    var throttle: Double
    var transient: Double
    var lostAnswer: Double
    var change: Double
    var vanish: Double
    /// Globs over addresses whose update takes effect and never becomes ready.
    var notReady: [String]
    /// Globs over addresses that cannot be put back.
    var notPutBack: [String]
    /// Globs over machines that preflight does not reach.
    var offline: [String]

    /// From the keys under `simulate`.
    init(_ settings: [String: Value]) {
        let faults = settings["faults"]?.mapValue ?? [:]
        func probability(_ name: String) -> Double {
            switch faults[name] {
            case .double(let number)?: number
            case .int(let number)?: Double(number)
            default: 0
            }
        }
        func globs(_ name: String) -> [String] { (faults[name]?.listValue ?? []).compactMap(\.stringValue) }
        latencyMilliseconds = settings["latency"]?.intValue ?? 0
        jitterMilliseconds = settings["jitter"]?.intValue ?? 0
        seed = settings["seed"]?.intValue ?? 1
        throttle = probability("throttle")
        transient = probability("transient")
        lostAnswer = probability("lostAnswer")
        change = probability("change")
        vanish = probability("vanish")
        notReady = globs("notReady")
        notPutBack = globs("notPutBack")
        offline = globs("offline")
    }

    /// True if tries of one call can end differently, so that they have to be counted.
    var failsCalls: Bool { throttle > 0 || transient > 0 || lostAnswer > 0 }
    var touchesObjects: Bool { change > 0 || vanish > 0 }

    /// A number in 0..<1 that is the same whenever the same is asked.
    func roll(_ fault: String, _ address: ResourceAddress, _ action: Action, _ attempt: Int) -> Double {
        // FNV-1a spreads the text over 64 bits, SplitMix's finalizer makes every bit depend on every other.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(seed) \(fault) \(address.text) \(action.rawValue) \(attempt)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((hash ^ (hash >> 31)) >> 11) * 0x1p-53
    }

    /// How long the call takes; nil for no time at all.
    func delay(_ address: ResourceAddress, _ action: Action, _ attempt: Int) -> Duration? {
        guard latencyMilliseconds > 0 || jitterMilliseconds > 0 else { return nil }
        let stray = (roll("jitter", address, action, attempt) * 2 - 1) * Double(jitterMilliseconds)
        let milliseconds = max(0, Double(latencyMilliseconds) + stray)
        return .microseconds(Int64(milliseconds * 1000))
    }

    /// The fault that keeps the call from having any effect.
    func refusal(_ address: ResourceAddress, _ action: Action, _ attempt: Int) -> ProviderError? {
        if action == .putBack, Self.matches(address, notPutBack) {
            return ProviderError(
                .rejected, "\(action.rawValue) of \(address): refused (simulated)",
                help: "take it out of `simulate.faults.notPutBack`, then apply again")
        }
        if roll("throttle", address, action, attempt) < throttle {
            return ProviderError(
                .throttled(retryAfter: .milliseconds(10)), "\(action) of \(address): too many calls (simulated)")
        }
        if roll("transient", address, action, attempt) < transient {
            return ProviderError(.transient, "\(action) of \(address): service unavailable (simulated)")
        }
        return nil
    }

    /// The fault of an object that was changed and does not come up; nil if it does.
    func unready(_ address: ResourceAddress, _ action: Action) -> ProviderError? {
        guard action == .update, Self.matches(address, notReady) else { return nil }
        return ProviderError(
            .rejected, "\(action.rawValue) of \(address): it did not become ready (simulated)",
            help: "take it out of `simulate.faults.notReady`, then apply again")
    }

    /// True if preflight does not reach it.
    func isOffline(_ machine: ResourceAddress) -> Bool { Self.matches(machine, offline) }

    private static func matches(_ address: ResourceAddress, _ globs: [String]) -> Bool {
        globs.contains { Glob($0).matches(address.text) }
    }

    /// True if the answer of a call that took effect does not arrive.
    func losesAnswer(_ address: ResourceAddress, _ action: Action, _ attempt: Int) -> Bool {
        roll("lostAnswer", address, action, attempt) < lostAnswer
    }
}

/// What happens to objects although nobody asked for it.
struct OutsideWorld: Sendable {
    enum Event: Sendable {
        case vanish
        /// The attributes that change.
        case change(Attributes)
    }

    var simulation: Simulation
    /// The change an object of the type at hand can suffer.
    var change: @Sendable (Attributes) -> Attributes?

    func event(_ object: StoredObject) -> Event? {
        if simulation.roll("vanish", object.address, .read, 1) < simulation.vanish { return .vanish }
        if simulation.roll("change", object.address, .read, 1) < simulation.change {
            return change(object.attributes).map(Event.change)
        }
        return nil
    }
}
