import Foundation
import OsirisManifest
import OsirisModel

/// What every handler has to do right, as one run against a real or a stand-in place.
///
/// A test gives it an object that does not exist yet; the run creates, reads, changes and deletes it, repeats each step,
/// and answers with every promise of `ResourceHandler` that was broken.
public struct Conformance: Sendable {
    public var handler: any ResourceHandler
    public var cluster: Cluster
    public var address: ResourceAddress
    /// The arguments of the create.
    public var planned: Attributes
    /// The arguments of the update; nil for a type that has nothing to change.
    public var changed: Attributes?
    public var ancestors: [Attributes]
    /// The operations' tokens begin with it.
    public var token: String
    /// A state of its own, so that runs on one place do not fence each other.
    private let lineage = UUID().uuidString.lowercased()

    public init(
        _ handler: any ResourceHandler, cluster: Cluster, address: ResourceAddress, planned: Attributes,
        changed: Attributes?, ancestors: [Attributes] = [], token: String = "conformance"
    ) {
        self.handler = handler
        self.cluster = cluster
        self.address = address
        self.planned = planned
        self.changed = changed
        self.ancestors = ancestors
        self.token = token
    }

    /// Runs all steps.
    /// - Returns: One sentence for each broken promise; empty if the handler conforms.
    /// - Throws: What the handler threw where it should have succeeded.
    public func violations() async throws -> [String] {
        var found: [String] = []
        if try await resolution("create", planned) != "notLanded" {
            found.append("resolve before create is not notLanded")
        }
        if await state([:]) != "absent" { found.append("read before create is not absent") }

        let created = try await handler.create(request("create", planned))
        found += faults(of: created, planned: planned, step: "create")
        found += await difference(created, step: "create")
        let again = try await handler.create(request("create", planned))
        if again != created { found.append("a second create with the same token answers another object") }
        switch try await handler.resolve(request("create", planned)) {
        case .landed(let resolved), .unfinished(let resolved, _):
            if resolved != created { found.append("resolve answers other attributes than create") }
        default: found.append("resolve after create is not landed")
        }
        found += await lateCalls(on: created)

        var last = created
        if let changed {
            last = try await handler.update(request("update", changed, prior: created))
            found += faults(of: last, planned: changed, step: "update")
            found += await difference(last, step: "update")
            let repeated = try await handler.update(request("update", changed, prior: created))
            if repeated != last { found.append("a repeated update answers other attributes") }
        }

        try await handler.delete(request("delete", [:], prior: last))
        let after = await state(last)
        if after != "absent" { found.append("read after delete is not absent but \(after)") }
        try await handler.delete(request("delete", [:], prior: last))
        if try await resolution("create", planned) != "notLanded" {
            found.append("resolve after delete is not notLanded")
        }
        // What a run does not touch, it still takes from the runs before it.
        try await handler.fence(request("fence", planned, fencing: Self.present + 1))
        if await outcome({ try await handler.fence(request("fence", planned)) }) != "fenced" {
            found.append("fence after a higher one is not fenced")
        }
        found += await lateCalls(on: nil, fencing: Self.present)
        return found
    }

    private static let present = 2

    /// What a run that was overtaken can still do to an object, or to the place of none.
    private func lateCalls(on object: Attributes?, fencing: Int = Self.present - 1) async -> [String] {
        let calls: [(String, () async throws -> Void)] = [
            ("create", { _ = try await handler.create(request("late-create", planned, fencing: fencing)) }),
            (
                "update",
                {
                    let late = request("late-update", changed ?? planned, prior: object ?? [:], fencing: fencing)
                    _ = try await handler.update(late)
                }
            ),
            (
                "delete",
                { try await handler.delete(request("late-delete", [:], prior: object ?? [:], fencing: fencing)) }
            ),
        ]
        var found: [String] = []
        for (name, call) in calls {
            let answer = await outcome(call)
            if answer != "fenced" { found.append("\(name) with a lower fence is not fenced but \(answer)") }
        }
        if let object { return found + (await difference(object, step: "late calls")) }
        return await state([:]) == "absent" ? found : found + ["a late call made an object"]
    }

    private func outcome(_ call: () async throws -> Void) async -> String {
        do {
            try await call()
            return "done"
        } catch {
            return (error as? ProviderError)?.kind == .fenced ? "fenced" : "\(error)"
        }
    }

    private func request(
        _ operation: String, _ planned: Attributes, prior: Attributes = [:], fencing: Int = Self.present
    ) -> OperationRequest {
        OperationRequest(
            cluster: cluster, address: address, planned: planned, prior: prior, ancestors: ancestors,
            token: "\(token)-\(operation)", owner: Ownership(lineage: lineage, fencing: fencing))
    }

    private func read(_ recorded: Attributes) async -> [ReadResult] {
        await handler.read([ReadRequest(address: address, recorded: recorded, ancestors: ancestors)], of: cluster)
    }

    private func state(_ recorded: Attributes) async -> String {
        switch await read(recorded).first {
        case .present?: "present"
        case .absent?: "absent"
        case .unreadable(let reason)?: "unreadable: \(reason)"
        case nil: "missing"
        }
    }

    private func resolution(_ operation: String, _ planned: Attributes) async throws -> String {
        switch try await handler.resolve(request(operation, planned)) {
        case .landed: "landed"
        case .unfinished: "unfinished"
        case .notLanded: "notLanded"
        case .unknownYet(let reason): "unknownYet: \(reason)"
        case .ambiguous: "ambiguous"
        }
    }

    /// How a read differs from what the operation before it answered; volatile attributes aside.
    private func difference(_ expected: Attributes, step: String) async -> [String] {
        let results = await read(expected)
        guard results.count == 1, case .present(let actual) = results[0] else {
            return ["read after \(step) is not present but \(await state(expected))"]
        }
        return Set(expected.keys).union(actual.keys).sorted().compactMap { name in
            if handler.type.schema[name]?.volatile == true || expected[name] == actual[name] { return nil }
            return "read after \(step) differs from its answer in \(name)"
        }
    }

    /// What an answer must not do: change a planned value, leave one unknown, invent an attribute.
    private func faults(of answer: Attributes, planned: Attributes, step: String) -> [String] {
        let schema = handler.type.schema
        var found = planned.keys.sorted().compactMap { name in
            planned[name] == answer[name] ? nil : "\(step) answers another \(name) than was planned"
        }
        for (name, value) in answer.sorted(by: { $0.key < $1.key }) {
            if value.containsUnknown { found.append("\(step) leaves \(name) unknown") }
            guard let field = schema[name] else {
                found.append("\(step) answers \(name), which the schema does not have")
                continue
            }
            if planned[name] == nil && field.role == .argument && field.defaultValue != value {
                found.append("\(step) answers argument \(name), which was not planned")
            }
            if field.secret && !isSecret(value) { found.append("\(step) answers \(name) without its secrecy") }
        }
        return found
    }

    private func isSecret(_ value: Value) -> Bool {
        switch value {
        case .secret: true
        case .map(let entries): entries.values.allSatisfy(isSecret)
        case .list(let items): items.allSatisfy(isSecret)
        default: false
        }
    }
}
