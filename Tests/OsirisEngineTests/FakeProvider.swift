import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState
import Synchronization

@testable import OsirisEngine

/// A provider of things in memory whose misbehaviour is scripted. `thing.b` lives on `thing.a` when told so.
final class FakeProvider: Provider, ResourceHandler {
    struct Script: Sendable {
        /// By address name: errors thrown before it takes effect, first to last.
        var failures: [String: [ProviderError.Kind]] = [:]
        /// Creates that take effect and then lose their answer.
        var lostAnswers: Set<String> = []
        /// What `resolve` says before it knows.
        var unknownAnswers = 0
        /// What `resolve` says is missing of what is there.
        var unfinished: String?
        /// What `fence` throws.
        var fence: ProviderError.Kind?
        var wait: Duration = .zero
    }

    struct World: Sendable {
        var objects: [ResourceAddress: Attributes] = [:]
        var tokens: [String: ResourceAddress] = [:]
        var calls: [String] = []
        var running = 0
        var mostRunning = 0
    }

    let script: Mutex<Script>
    let world = Mutex(World())
    /// Names with the name they live on, or nil; in manifest order.
    let things: [(name: String, parent: String?, size: Int)]

    init(_ things: [(String, String?, Int)], script: Script = Script()) {
        self.things = things
        self.script = Mutex(script)
    }

    let name = "fake"
    let targetKind: TargetKind? = TargetKind(provider: "fake", doc: "In memory.", schema: Schema([]))
    var handlers: [any ResourceHandler] { [self] }
    let type = ResourceType(
        name: "thing", doc: "A thing.",
        schema: Schema([
            Field("size", .int(0...100), required: true, doc: "Size."),
            Field("id", .string, role: .computed, doc: "Id."),
        ]))

    static func address(_ name: String) -> ResourceAddress { ResourceAddress(target: "t", type: "thing", name: name) }

    func expand(_ target: Target, of cluster: Cluster) throws -> Expansion {
        Expansion(
            resources: things.map { thing in
                ResourceDeclaration(
                    address: Self.address(thing.name), provider: name, attributes: ["size": .int(thing.size)],
                    parent: thing.parent.map(Self.address), spans: target.spans)
            })
    }

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        world.withLock { world in requests.map { world.objects[$0.address].map(ReadResult.present) ?? .absent } }
    }

    func create(_ request: OperationRequest) async throws -> Attributes {
        try await attempt("create", request)
        let lost = script.withLock { $0.lostAnswers.remove(String(request.address.name)) != nil }
        let attributes = world.withLock { world in
            if world.tokens[request.token] == request.address { return world.objects[request.address]! }
            precondition(world.objects[request.address] == nil, "\(request.address) was made twice")
            world.objects[request.address] = request.planned.merging(["id": .string(request.token)]) { $1 }
            world.tokens[request.token] = request.address
            return world.objects[request.address]!
        }
        if lost { throw ProviderError(.answerLost, "the answer was lost") }
        return attributes
    }

    func update(_ request: OperationRequest) async throws -> Attributes {
        try await attempt("update", request)
        return world.withLock { world in
            world.objects[request.address]!.merge(request.planned) { $1 }
            return world.objects[request.address]!
        }
    }

    func delete(_ request: OperationRequest) async throws {
        try await attempt("delete", request)
        world.withLock { $0.objects[request.address] = nil }
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution {
        let unknown = script.withLock { script in
            defer { script.unknownAnswers -= 1 }
            return script.unknownAnswers > 0
        }
        if unknown { return .unknownYet("not listed yet") }
        let found = world.withLock { world in world.tokens[request.token].flatMap { world.objects[$0] } }
        guard let found else { return .notLanded }
        return script.withLock { $0.unfinished }.map { .unfinished(found, $0) } ?? .landed(found)
    }

    func fence(_ request: OperationRequest) async throws {
        let kind = script.withLock { script in script.fence }
        world.withLock { $0.calls.append("fence \(request.address.name) \(request.owner.fencing)") }
        if let kind { throw ProviderError(kind, "scripted") }
    }

    private func attempt(_ verb: String, _ request: OperationRequest) async throws {
        let name = String(request.address.name)
        let (failure, wait) = script.withLock { script in
            (script.failures[name]?.isEmpty == false ? script.failures[name]?.removeFirst() : nil, script.wait)
        }
        world.withLock { world in
            world.calls.append("\(verb) \(name)")
            world.running += 1
            world.mostRunning = max(world.mostRunning, world.running)
        }
        defer { world.withLock { $0.running -= 1 } }
        if wait > .zero { try await Task.sleep(for: wait) }
        if let failure { throw ProviderError(failure, "scripted") }
    }
}

/// A cluster with one fake target, a state of its own and an applier that does not sleep.
final class Rig: Sendable {
    let provider: FakeProvider
    let registry: ProviderRegistry
    let store: StateStore
    let cluster: Cluster
    let events = EventLog()
    let folder: URL
    let slept = Mutex<[Duration]>([])

    init(_ provider: FakeProvider, folder: URL? = nil) throws {
        self.provider = provider
        registry = ProviderRegistry([provider])
        self.folder =
            folder
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("osiris-engine-\(UUID().uuidString)")
        store = StateStore.open(path: self.folder.path + "/state.db")
        let start = SourcePosition(line: 1, column: 1)
        let spans = SpanMap(whole: SourceSpan(file: "cluster.yaml", start: start, end: start))
        cluster = Cluster(
            name: "test", hub: HubSpec(image: nil, archive: nil, port: 8080, spans: spans), functions: [],
            targets: [Target(name: "t", provider: "fake", settings: [:], spans: spans)],
            safety: SafetySpec(maxDeletes: nil, protect: [], spans: spans), digest: "sha256:0",
            folder: self.folder.path,
            spans: spans)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func plan(
        _ mode: Plan.Mode = .apply, unfenced: [String: ProviderError] = [:]
    ) async throws -> (Plan, PlanBase) {
        let workflow = Workflow(registry, sleep: { _ in })
        let base = await workflow.base(try await store.snapshot(), of: cluster, unfenced: unfenced)
        return (try workflow.plan(cluster, from: base, mode: mode), base)
    }

    /// Leaves an open create of `a`, as a run killed between intent and result does.
    func leaveIntent(token: String) async throws {
        let session = try await store.begin(RunDescription(operation: "apply", cluster: "test"))
        try await session.record(
            .intent(
                Intent(
                    token: token, address: FakeProvider.address("a"), provider: "fake", type: "thing", action: .create,
                    planned: ["size": 1], startedAt: Date())))
        try await session.end(.failed)
    }

    func apply(
        _ mode: Plan.Mode = .apply, parallelism: Int = 8, retry: RetryPolicy = RetryPolicy(),
        control: ApplyControl = ApplyControl()
    ) async throws -> ApplySummary {
        let session = try await store.begin(RunDescription(operation: mode.rawValue, cluster: "test"))
        let unfenced = try await Workflow(registry).fence(try await store.snapshot(), of: cluster, by: session)
        let (plan, base) = try await plan(mode, unfenced: unfenced)
        try await Workflow(registry).record(base, plan, to: session)
        let summary = await Applier(
            registry, observer: events, parallelism: parallelism, retry: retry,
            sleep: { [self] duration in slept.withLock { $0.append(duration) } }
        ).apply(plan, of: cluster, from: base, session: session, control: control)
        try await session.end(summary.isComplete ? .succeeded : .failed)
        return summary
    }
}

/// Keeps every event.
final class EventLog: ApplyObserver {
    private let events = Mutex<[ApplyEvent]>([])

    func observe(_ event: ApplyEvent, at time: Date) { events.withLock { $0.append(event) } }

    var all: [ApplyEvent] { events.withLock { $0 } }
}
