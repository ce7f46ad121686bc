import OsirisEngine
import OsirisModel
import OsirisPlanner

/// A rollout in words: what the plan intends, and what happens to its machines.
enum RolloutText {
    /// How it will go, in one line; nil if no machine that serves is changed.
    static func intent(_ plan: Plan) -> String? {
        guard let rollout = plan.rollout, let first = rollout.machines.first else { return nil }
        let count = rollout.machines.count
        let end =
            switch rollout.spec.onFailure {
            case .rollback: "one that fails is put back and stops the rollout"
            case .stop: "one that fails stops the rollout"
            case .continue: "one that fails is left, the others go on"
            }
        if count == 1 {
            let alone =
                switch rollout.spec.onFailure {
                case .rollback: "is put back if it fails"
                case .stop, .continue: "is left as it is if it fails"
                }
            return "Rollout: `\(first.root)` serves; it \(alone)."
        }
        var parts: [String] = []
        if rollout.canaries > 0 { parts.append(rollout.canaries == 1 ? "1 canary" : "\(rollout.canaries) canaries") }
        if count > rollout.canaries {
            let bounds = rollout.targets.map { target in
                let most = "at most \(target.limit.grouped) of \(target.machines.grouped)"
                return rollout.targets.count == 1 ? most : "\(most) in \(target.name)"
            }
            let then = parts.isEmpty ? "" : "then "
            parts.append("\(then)\(bounds.joined(separator: ", ")) at a time")
        }
        let domains = Set(rollout.machines.map(\.domain)).count
        if domains > 1 { parts.append("\(domains) failure domains one after the other") }
        return "Rollout of \(count.grouped) machines: \(parts.joined(separator: ", ")); \(end)."
    }

    /// What does not answer meanwhile, and for how long at most; nil if no machine that serves is changed.
    static func outage(_ plan: Plan) -> String? {
        guard let rollout = plan.rollout, !rollout.machines.isEmpty else { return nil }
        let down = rollout.machines.filter { $0.outageMilliseconds != 0 }
        if down.isEmpty { return "Down meanwhile: nothing; what is exchanged answers until the new one is ready." }
        let longest = down.compactMap(\.outageMilliseconds).max()
        let limit = longest.map { "at most \(DurationText.render(seconds: Double($0) / 1000))" }
        let unknown = down.count { $0.outageMilliseconds == nil }
        let machines =
            down.count == 1 ? "`\(down[0].root)`" : "\(down.count.counted("machine")), each in its turn"
        let time =
            switch (unknown, limit) {
            case (0, let limit?): "for \(limit)"
            case (down.count, _), (_, nil): "for a time without a known limit"
            case (_, let limit?): "\(unknown.grouped) of them for a time without a known limit, the others for \(limit)"
            }
        let whole = rollout.targets.filter { target in
            target.limit >= target.machines && down.contains { $0.root.target == target.name }
        }
        let alone = whole.map { $0.machines == 1 ? "`\($0.name)` has no other" : "all of `\($0.name)` at once" }
        let end = alone.isEmpty ? "" : "; " + alone.joined(separator: ", ")
        return "Down meanwhile: \(machines), \(time)\(end)."
    }

    /// The plan's bounds in JSON.
    static func value(_ rollout: PlannedRollout) -> Value {
        let machines = rollout.machines.enumerated().map { index, machine -> Value in
            [
                "machine": .string(machine.root.text), "domain": .string(machine.domain),
                "canary": .bool(index < rollout.canaries),
                "outageMilliseconds": machine.outageMilliseconds.map(Value.int) ?? .null,
            ]
        }
        let targets = rollout.targets.map { target -> Value in
            [
                "target": .string(target.name), "machines": .int(target.machines), "maxUnavailable": .int(target.limit),
                "broken": .int(target.broken),
            ]
        }
        return [
            "onFailure": .string(rollout.spec.onFailure.rawValue), "machines": .list(machines),
            "targets": .list(targets),
        ]
    }
}

extension RolloutStep {
    /// One line for people, with its mark; nil for what the operations say already.
    var line: (paint: Paint, mark: String, text: String)? {
        switch self {
        case .begun(let machine, canary: true): (.dim, "▸", "canary \(machine) begins")
        case .passed(let machine, canary: true, let waiting):
            (.green, "✓", "canary \(machine) passed" + (waiting > 0 ? "; \(waiting.counted("machine")) to go" : ""))
        case .begun, .passed, .restored: nil
        case .pausing(let machine, let pause): (.dim, "▸", "pause of \(DurationText.render(pause)) after \(machine)")
        case .puttingBack(let machine, let because, let operations):
            (.yellow, "↺", "putting back \(machine), \(operations.counted("object")): \(because) failed")
        case .notRestored(let address, let fault):
            (.boldRed, "✗", "put back failed: \(fault.code.rawValue) \(fault.line(about: address))")
        case .putBack(let machine, complete: true): (.yellow, "↺", "\(machine) is as it was")
        case .putBack(let machine, complete: false): (.boldRed, "✗", "\(machine) could not be put back in full")
        case .stopped(_, let waiting):
            (.yellow, "!", "rollout stopped: \(waiting.counted("machine")) not begun")
        }
    }
}

extension EventJSON {
    static func rollout(_ step: RolloutStep) -> [String: Value] {
        func event(_ name: String, _ machine: ResourceAddress, _ more: [String: Value] = [:]) -> [String: Value] {
            ["event": .string(name), "machine": .string(machine.text)].merging(more) { $1 }
        }
        switch step {
        case .begun(let machine, let canary): return event("machine-begun", machine, ["canary": .bool(canary)])
        case .passed(let machine, let canary, let waiting):
            return event("machine-passed", machine, ["canary": .bool(canary), "waiting": .int(waiting)])
        case .pausing(let machine, let pause):
            return event("machine-pausing", machine, ["milliseconds": .int(pause.inMilliseconds)])
        case .puttingBack(let machine, let because, let operations):
            return event(
                "machine-putting-back", machine, ["because": .string(because.text), "operations": .int(operations)])
        case .restored(let address, let took):
            return [
                "event": "put-back-succeeded", "address": .string(address.text),
                "milliseconds": .int(took.inMilliseconds),
            ]
        case .notRestored(let address, let fault):
            return [
                "event": "put-back-failed", "address": .string(address.text), "diagnostic": DiagnosticJSON.value(fault),
            ]
        case .putBack(let machine, let complete):
            return event("machine-put-back", machine, ["complete": .bool(complete)])
        case .stopped(let because, let waiting):
            return event("rollout-stopped", because, ["waiting": .int(waiting)])
        }
    }
}
