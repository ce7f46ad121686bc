import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The rollout of a plan and what was set aside, as a plan file has them.
extension PlanFile {
    static func encode(_ fault: PreflightFault) -> Value {
        var fields: [String: Value] = [
            "root": .string(fault.root.text), "code": .string(fault.code.rawValue), "message": .string(fault.message),
        ]
        if let help = fault.help { fields["help"] = .string(help) }
        if let source = fault.source { fields["source"] = encode(source) }
        if fault.isWanted { fields["wanted"] = true }
        return .map(fields)
    }

    static func fault(_ value: Value) throws -> PreflightFault {
        let reader = try PlanFileReader(value)
        guard let code = DiagnosticCode(rawValue: try reader.text("code")) else { throw PlanFileReader.damaged("code") }
        return PreflightFault(
            root: try reader.address("root"), code: code, message: try reader.text("message"),
            help: try reader.optional("help")?.stringValue, source: try reader.optional("source").map(span),
            effect: try reader.optional("wanted") == true ? .leftAlone : .setAside)
    }

    static func encode(_ rollout: PlannedRollout) -> Value {
        let spec = rollout.spec
        let unavailable: Value =
            switch spec.maxUnavailable {
            case .percent(let percent): .string("\(percent)%")
            case .count(let count): .int(count)
            }
        return [
            "canary": .int(spec.canary), "maxUnavailable": unavailable, "gate": .string(spec.gate.rawValue),
            "onFailure": .string(spec.onFailure.rawValue), "pause": .int(spec.pauseMilliseconds),
            "machines": .list(
                rollout.machines.map { machine in
                    var fields: [String: Value] = [
                        "root": .string(machine.root.text), "domain": .string(machine.domain),
                        "broken": .bool(machine.isBroken), "together": .bool(machine.goesWithPrevious),
                        "needs": .list(machine.needs.map(Value.int)),
                        "operations": .list(machine.operations.map(Value.int)),
                    ]
                    fields["outage"] = machine.outageMilliseconds.map(Value.int)
                    return .map(fields)
                }),
            "targets": .list(
                rollout.targets.map { target in
                    [
                        "name": .string(target.name), "machines": .int(target.machines), "limit": .int(target.limit),
                        "broken": .int(target.broken),
                    ]
                }),
        ]
    }

    static func rollout(_ value: Value) throws -> PlannedRollout {
        let reader = try PlanFileReader(value)
        let unavailable: RolloutSpec.Unavailable? =
            switch try reader.optional("maxUnavailable") {
            case .int(let count)?: .count(count)
            case .string(let text)?: Quantities.percent(text).map { .percent($0) }
            default: nil
            }
        guard let unavailable, let gate = RolloutSpec.Gate(rawValue: try reader.text("gate")),
            let onFailure = RolloutSpec.OnFailure(rawValue: try reader.text("onFailure"))
        else { throw PlanFileReader.damaged("rollout") }
        return PlannedRollout(
            spec: RolloutSpec(
                canary: try reader.int("canary"), maxUnavailable: unavailable, gate: gate, onFailure: onFailure,
                pauseMilliseconds: try reader.int("pause")),
            machines: try reader.list("machines").map { item in
                let machine = try PlanFileReader(item)
                return PlannedRollout.Machine(
                    root: try machine.address("root"), domain: try machine.text("domain"),
                    isBroken: try machine.optional("broken") == true,
                    goesWithPrevious: try machine.optional("together") == true,
                    needs: try machine.list("needs").compactMap(\.intValue),
                    operations: try machine.list("operations").compactMap(\.intValue),
                    outageMilliseconds: try machine.optional("outage")?.intValue)
            },
            targets: try reader.list("targets").map { item in
                let target = try PlanFileReader(item)
                return PlannedRollout.Target(
                    name: try target.text("name"), machines: try target.int("machines"),
                    limit: try target.int("limit"), broken: try target.int("broken"))
            })
    }
}
