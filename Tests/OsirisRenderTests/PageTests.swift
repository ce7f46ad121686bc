import Foundation
import OsirisModel
import OsirisPlanner
import Testing

@testable import OsirisEngine
@testable import OsirisRender

@Suite struct PageTests {
    private static let time = Date(timeIntervalSince1970: 1_770_091_200)

    /// The JSON that stands in the page.
    private func data(_ page: String) throws -> String {
        let start = try #require(page.range(of: "id=\"data\">"))
        let end = try #require(page.range(of: "</script>", range: start.upperBound..<page.endIndex))
        return String(page[start.upperBound..<end.lowerBound])
    }

    @Test(arguments: ["mixed", "conflict", "gone", "secrets", "multi-line", "hostile", "delete"])
    func goldens(_ name: String) throws {
        let plan = SamplePlans.all.first { $0.name == name }!.plan
        let source = (1...50).map { "  line: \($0)\n" }.joined()
        let page = Page(plan, sources: ["cluster.yaml": source]).render(at: Self.time)
        Golden.expect(try Value(json: Data(try data(page).utf8)).prettyJSONText + "\n", "\(name).page.json")
    }

    @Test func loadsNothingAndGivesNothingAway() throws {
        for (name, plan) in SamplePlans.all {
            let page = Page(plan).render(at: Self.time)
            #expect(!page.contains("hunter2"), "\(name)")
            // What a browser would load, or follow by itself.
            let data = try data(page)
            let shell = page.replacingOccurrences(of: data, with: "")
            #expect(!shell.contains("://") && !shell.contains("@import") && !shell.contains("url("), "\(name)")
            #expect(shell.matches(of: /(?:src|href)="(?!#|data:)/).isEmpty, "\(name)")
            // Nothing in the data ends its element.
            #expect(!data.contains("<"), "\(name)")
        }
    }

    /// A style or a script of another digest would not run in a browser.
    @Test func thePolicyNamesWhatIsThere() throws {
        let page = Page(SamplePlans.mixed).render(at: Self.time)
        for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
            let start = try #require(page.range(of: "<\(tag)>"))
            let end = try #require(page.range(of: "</\(tag)>", range: start.upperBound..<page.endIndex))
            let digest = Data(Digest.sha256Bytes(page[start.upperBound..<end.lowerBound].utf8)).base64EncodedString()
            #expect(page.contains("\(directive) 'sha256-\(digest)'"))
        }
    }

    @Test func machinesStandInTheirDomains() {
        func node(_ address: String, _ parent: String? = nil, domain: String? = nil) -> GraphNode {
            GraphNode(address: Sample.address(address), parent: parent.map { Sample.address($0) }, domain: domain)
        }
        let map = ResourceMap([
            node("rack/host.n1"), node("rack/hub.n1", "rack/host.n1", domain: "feed-a"),
            node("rack/function.n1.demo.b", "rack/hub.n1"), node("rack/function.n1.demo.a", "rack/hub.n1"),
            node("rack/host.n2"), node("rack/hub.n2", "rack/host.n2", domain: "feed-b"), node("cloud/machine.m1"),
        ])
        #expect(map.targets.map(\.name) == ["cloud", "rack"])
        #expect(map.targets[1].domains.map(\.name) == ["feed-a", "feed-b"])
        #expect(
            map.targets[1].domains[0].machines[0].resources.map(\.text) == [
                "rack/host.n1", "rack/hub.n1", "rack/function.n1.demo.a", "rack/function.n1.demo.b",
            ])
        // A circle, as only a damaged state has one, is drawn all the same.
        #expect(!ResourceMap([node("a/b.c", "a/b.d"), node("a/b.d", "a/b.c")]).targets.isEmpty)
    }

    @Test func chainsFromCauseToLastDependant() throws {
        let plan = SamplePlans.replaceChain
        let chains = CauseChains(plan)
        let last = try #require(plan.changes.first { $0.address.type == "function" })
        #expect(
            chains.chain(to: last).map(\.address.text) == [
                "rack-a/engine.r1-n01", "rack-a/hub.r1-n01", "rack-a/function.r1-n01.demo.hello",
            ])
        #expect(
            chains.consequences(of: Sample.address("rack-a/engine.r1-n01")).map(\.text) == [
                "rack-a/hub.r1-n01", "rack-a/function.r1-n01.demo.hello",
            ])
        // The chain is in a saved plan too.
        let saved = try PlanFile(
            decoding: PlanFile(plan: plan, manifestPaths: [], statePath: "s").encoded()
        ).plan
        #expect(CauseChains(saved).chain(to: saved.changes.first { $0.address == last.address }!).count == 3)
        #expect(saved.changesAtCause.allSatisfy { $0.source?.start.line == 12 })
    }
}

@Suite struct TimelineTests {
    @Test func whatTheEventsSay() {
        var timeline = ApplyTimeline(parallelism: 32)
        for (after, event) in EventScript.events { timeline.take(event, at: EventScript.start + after) }
        let spans = timeline.measured
        #expect(spans.map(\.address) == [EventScript.hub1, EventScript.hub2, EventScript.function1])
        #expect(spans.map { Int(($0.start * 10).rounded()) } == [0, 1, 140])
        #expect(spans.map { Int(($0.end * 10).rounded()) } == [140, 200, 314])
        #expect(spans.map(\.outcome) == [.succeeded, .failed, .succeeded])
        #expect(spans[1].retries == 1 && spans[1].fault?.contains("507") == true)
        #expect(timeline.skipped.map(\.address) == [EventScript.function2])
        #expect(timeline.marks.map(\.text) == ["interrupted: 0 not begun are left"])
        let path = CriticalPath(timeline, EventScript.plan)
        #expect(path.steps.map { spans[$0.span].address } == [EventScript.hub1, EventScript.function1])
        #expect(path.steps.map(\.wait) == [.start, .need])
    }

    /// Random plans, run in simulated time by the scheduler that apply uses: the path begins at the beginning, ends with
    /// the last operation, has no gap that it does not tell, and names a place where one was waited for.
    @Test(arguments: 0..<60) func aPathWithoutGaps(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        let count = Int.random(in: 1...60, using: &random)
        let parallelism = Int.random(in: 1...8, using: &random)
        let changes = (0..<count).map { index in
            Sample.change("t/x.n\(index + 1000)", .create, .added, line: 1)
        }
        var plan = Sample.plan(changes)
        for index in plan.operations.indices where index > 0 {
            plan.operations[index].needs = (0..<Int.random(in: 0...2, using: &random)).map { _ in
                Int.random(in: 0..<index, using: &random)
            }
        }
        // The simulation.
        var timeline = ApplyTimeline(parallelism: parallelism)
        var scheduler = ApplyScheduler(plan.operations)
        var running: [(end: Double, operation: Int)] = []
        var now = 0.0
        timeline.take(.started(operations: count), at: EventScript.start)
        while true {
            while running.count < parallelism, let next = scheduler.start() {
                let address = plan.changes[plan.operations[next].change].address
                timeline.take(.operationStarted(address, .create), at: EventScript.start + now)
                running.append((now + Double.random(in: 0.1...5, using: &random), next))
            }
            guard let first = running.indices.min(by: { running[$0].end < running[$1].end }) else { break }
            let (end, operation) = running.remove(at: first)
            now = end
            scheduler.succeed(operation)
            timeline.take(
                .operationSucceeded(plan.changes[plan.operations[operation].change].address, .create, took: .zero),
                at: EventScript.start + now)
        }
        let spans = timeline.measured
        #expect(spans.count == count, "seed \(seed)")
        let steps = CriticalPath(timeline, plan).steps
        #expect(steps.first?.wait == .start, "seed \(seed)")
        #expect(spans[steps.last!.span].end == timeline.seconds, "seed \(seed)")
        var clock = 0.0
        for step in steps {
            let span = spans[step.span]
            #expect(abs(span.start - clock - step.idle) < 1e-6, "seed \(seed)")
            // The simulated apply never idles: each operation begins when its need ends or a place gets free.
            #expect(step.idle < 1e-6, "seed \(seed): \(step)")
            clock = span.end
        }
    }
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
