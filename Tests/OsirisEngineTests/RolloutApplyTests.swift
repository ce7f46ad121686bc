import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState
import Testing

@testable import OsirisEngine

/// Rollouts through the real applier and a real state, against hubs in memory.
struct RolloutApplyTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-rollout-\(UUID())")

    private func cluster(_ spec: RolloutSpec) -> Cluster {
        let start = SourcePosition(line: 1, column: 1)
        let spans = SpanMap(whole: SourceSpan(file: "cluster.yaml", start: start, end: start))
        return Cluster(
            name: "test", hub: HubSpec(image: nil, archive: nil, port: 8080, spans: spans), functions: [],
            targets: [Target(name: "t", provider: "hubs", settings: [:], spans: spans)],
            safety: SafetySpec(maxDeletes: nil, protect: [], spans: spans), rollout: spec, digest: "sha256:0",
            folder: folder.path, spans: spans)
    }

    private var store: StateStore { StateStore.open(path: folder.path + "/state.db") }

    private func plan(_ provider: HubsProvider, _ spec: RolloutSpec = RolloutSpec()) async throws -> (Plan, PlanBase) {
        let workflow = Workflow(ProviderRegistry([provider]), sleep: { _ in })
        let base = await workflow.base(try await store.snapshot(), of: cluster(spec))
        return (try await workflow.preflightedPlan(cluster(spec), from: base), base)
    }

    private func apply(
        _ provider: HubsProvider, _ spec: RolloutSpec = RolloutSpec(), events: EventLog = EventLog()
    ) async throws -> ApplySummary {
        let session = try await store.begin(RunDescription(operation: "apply", cluster: "test"))
        let (plan, base) = try await plan(provider, spec)
        let registry = ProviderRegistry([provider])
        try await Workflow(registry).record(base, plan, to: session)
        let summary = await Applier(registry, observer: events, parallelism: 1, sleep: { _ in })
            .apply(plan, of: cluster(spec), from: base, session: session, control: ApplyControl())
        try await session.end(summary.isComplete ? .succeeded : .failed)
        return summary
    }

    /// Four hubs of size 1 that are to have size 2.
    private func begun(
        key: String? = nil, _ change: (inout HubsProvider.Script) -> Void
    ) async throws -> HubsProvider {
        let provider = HubsProvider(HubsProvider.Script(key: key))
        #expect(try await apply(provider).isComplete)
        provider.script.withLock {
            $0.size = 2
            change(&$0)
        }
        _ = provider.takeCalls()
        return provider
    }

    @Test func aFailedCanaryIsPutBackAndNothingElseIsTouched() async throws {
        let provider = try await begun { $0.bad = ["h1"] }
        let events = EventLog()
        let summary = try await apply(provider, events: events)
        #expect(provider.takeCalls() == ["preflight 4", "update h1 2", "put-back h1 1"])
        #expect(
            summary.failedMachines == [
                .init(root: HubsProvider.address("h1"), address: HubsProvider.address("h1"), end: .putBack)
            ])
        #expect(summary.remaining.count == 3 && summary.failed == 1)
        #expect(Set(summary.diagnostics.map(\.code)) == [.operationFailed, .machineFailed])
        let steps = events.all.compactMap {
            if case .rollout(let step) = $0 { "\(step)".prefix { $0 != "(" } } else { nil }
        }
        #expect(steps == ["begun", "puttingBack", "restored", "putBack", "stopped"])
        // The record is as it was, and the plan shows the same again.
        let record = try #require(try await store.snapshot().resources[HubsProvider.address("h1")])
        #expect(record.attributes["size"] == 1 && record.incomplete == nil)
        #expect(try await store.snapshot().intents.isEmpty)
        #expect(try await plan(provider).0.changes.count == 4)
        provider.script.withLock { $0.bad = [] }
        #expect(try await apply(provider).isComplete)
        #expect(Set(provider.sizes().values) == [2])
    }

    @Test func stopLeavesTheMachineAndBeginsNoOther() async throws {
        let provider = try await begun { $0.bad = ["h2"] }
        let summary = try await apply(provider, RolloutSpec(onFailure: .stop))
        #expect(provider.sizes() == ["h1": 2, "h2": 2, "h3": 1, "h4": 1])
        #expect(summary.failedMachines.map(\.end) == [.left] && summary.remaining.count == 2)
        let again = try await plan(provider).0
        #expect(again.changes.map(\.address.name) == ["h2", "h3", "h4"])
    }

    @Test func continueGoesOnWithTheOthers() async throws {
        let provider = try await begun { $0.bad = ["h1"] }
        let summary = try await apply(provider, RolloutSpec(onFailure: .continue))
        #expect(summary.failed == 1 && summary.remaining.isEmpty)
        #expect(try await plan(provider).0.changes.map(\.address.name) == ["h1"], "the next run touches only it")
        provider.script.withLock {
            $0.bad = ["h2", "h3"]
            $0.size = 3
        }
        let second = try await apply(provider, RolloutSpec(onFailure: .continue))
        #expect(second.failed == 2 && second.remaining.map(\.name) == ["h4"], "at most one may be broken")
        #expect(second.diagnostics.contains { $0.message.hasPrefix("too many machines do not serve: 1 others") })
    }

    @Test func aPutBackThatFailsIsToldAndTakenUpByTheNextPlan() async throws {
        let provider = try await begun { ($0.bad, $0.stuck) = (["h1"], ["h1"]) }
        let summary = try await apply(provider)
        #expect(summary.failedMachines.map(\.end) == [.partly])
        let fault = try #require(summary.diagnostics.first { $0.code == .putBackFailed })
        #expect(fault.message == "`t/hub.h1` could not be put back: t/hub.h1: no way back")
        let record = try await store.snapshot().resources[HubsProvider.address("h1")]
        #expect(record?.incomplete == "could not be put back: t/hub.h1: no way back")
        #expect(try await store.snapshot().intents.isEmpty)
        provider.script.withLock { $0.bad = [] }
        #expect(try await apply(provider).isComplete)
        #expect(Set(provider.sizes().values) == [2])
    }

    /// The state has only the digest of a secret. The clear value comes from the manifest if it is still that one.
    @Test(arguments: [true, false]) func earlierSecretsComeFromTheManifest(isTheSame: Bool) async throws {
        let provider = try await begun(key: "clear") {
            $0.bad = ["h1"]
            $0.key = "another"
        }
        var spec = cluster(RolloutSpec())
        spec.functions = [
            FunctionSpec(
                name: "f", namespace: "n", runtime: .command, sourceFolder: nil, sourceDigest: nil, handler: nil,
                command: ["cat"], alwaysOn: false, scale: .init(), limits: .init(), network: true, env: [:],
                secrets: ["k": .secret(Secret(digest: "digest of clear", plaintext: isTheSame ? "clear" : nil))],
                smoke: nil, placement: nil, spans: cluster(RolloutSpec()).spans)
        ]
        let registry = ProviderRegistry([provider])
        let session = try await store.begin(RunDescription(operation: "apply", cluster: "test"))
        let base = await Workflow(registry).base(try await store.snapshot(), of: spec)
        let summary = await Applier(registry, observer: EventLog(), parallelism: 1, sleep: { _ in })
            .apply(
                try Workflow(registry).plan(spec, from: base), of: spec, from: base, session: session,
                control: ApplyControl())
        try await session.end(.failed)
        #expect(summary.failedMachines.map(\.end) == [isTheSame ? .putBack : .partly], "\(summary.diagnostics)")
    }

    @Test func aCutOffPutBackIsFinishedFirst() async throws {
        let provider = try await begun { $0.size = 2 }
        #expect(try await apply(provider).isComplete)
        var record = try #require(try await store.snapshot().resources[HubsProvider.address("h3")])
        let session = try await store.begin(RunDescription(operation: "apply", cluster: "test"))
        record.attributes["size"] = 1
        try await session.record(
            .intent(
                Intent(
                    token: Intent.putBackToken("x"), address: record.address, provider: "hubs", type: "hub",
                    action: .update, planned: record.attributes, startedAt: Date())))
        try await session.record(
            .intent(
                Intent(
                    token: Intent.putBackToken("y"), address: HubsProvider.address("h4"), provider: "hubs",
                    type: "hub", action: .delete, planned: [:], startedAt: Date().addingTimeInterval(1))))
        try await session.end(.failed)
        // A plan shows it and leaves it alone.
        let shown = try await plan(provider).0
        #expect(shown.diagnostics.map(\.code) == [.unresolvedIntent, .unresolvedIntent])
        _ = provider.takeCalls()
        let next = try await store.begin(RunDescription(operation: "apply", cluster: "test"))
        let workflow = Workflow(ProviderRegistry([provider]), sleep: { _ in })
        let settled = try await workflow.finishPutBacks(
            try await store.snapshot(), of: cluster(RolloutSpec()), by: next, unfenced: [:])
        try await next.end(.succeeded)
        #expect(provider.takeCalls() == ["put-back h3 1", "delete h4"])
        #expect(settled.map(\.text).allSatisfy { $0.contains("put back, as the run that was cut off had begun") })
        let snapshot = try await store.snapshot()
        #expect(snapshot.intents.isEmpty && snapshot.resources[HubsProvider.address("h4")] == nil)
        #expect(snapshot.resources[HubsProvider.address("h3")]?.attributes["size"] == 1)
        // Where the run before can still act, nothing is called, and nothing stays open.
        #expect(try await plan(provider).0.changes.map(\.address.name) == ["h3", "h4"])
    }

    /// What somebody wants left alone is no failure, and a hub that serves is not out of service.
    @Test func whatIsLeftAloneIsNoFailure() async throws {
        let provider = try await begun { $0.alone = ["h2"] }
        let (plan, _) = try await plan(provider)
        #expect(plan.rootsLeftAlone.map(\.name) == ["h2"] && plan.rootsSetAside.isEmpty)
        #expect(plan.faults.map(\.severity) == [.warning] && plan.rollout?.targets.first?.broken == 0)
        #expect(plan.changes.map(\.address.name) == ["h1", "h3", "h4"])
        let summary = try await apply(provider)
        #expect(summary.isComplete && summary.leftAlone.map(\.name) == ["h2"] && summary.setAside.isEmpty)
    }

    @Test func whatPreflightFindsUnfitIsSetAsideAndTheRestIsApplied() async throws {
        let provider = try await begun { $0.unfit = ["h2", "h3"] }
        let (plan, _) = try await plan(provider)
        // Every fault of each is told.
        #expect(
            plan.setAside.map { "\($0.root.name) \($0.message)" } == [
                "h2 no answer to update", "h2 no light either", "h3 no answer to update", "h3 no light either",
            ])
        #expect(plan.rootsSetAside.map(\.name) == ["h2", "h3"] && plan.changes.map(\.address.name) == ["h1", "h4"])
        #expect(provider.takeCalls() == ["preflight 4"], "asked once for each plan")
        #expect(plan.rollout?.targets.first?.broken == 2)
        // One of four may be out of service, and two are: nobody begins.
        let held = try await apply(provider)
        #expect(held.succeeded.isEmpty && held.remaining.count == 2 && held.setAside.count == 2)
        let wide = try await apply(provider, RolloutSpec(maxUnavailable: .count(2)))
        #expect(wide.succeeded[.update] == 2 && !wide.isComplete)
        #expect(provider.sizes() == ["h1": 2, "h2": 1, "h3": 1, "h4": 2])
    }
}
