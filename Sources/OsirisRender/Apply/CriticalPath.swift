import OsirisModel
import OsirisPlanner

/// The operations that an apply could not have ended sooner without: walked back from the one that ended last, each time
/// to what the operation waited for.
struct CriticalPath {
    struct Step: Equatable {
        /// Why the operation did not begin before the step ahead of it on the path had ended.
        enum Wait: String {
            /// The first of the path.
            case start
            /// It needs that operation.
            case need
            /// Its machine's turn in the rollout began when that operation had ended.
            case turn
            /// As many operations as allowed were running.
            case place
        }

        /// Index in the spans.
        var span: Int
        var wait: Wait
        /// Seconds between the end of the step ahead, or the beginning of the apply, and its own start.
        var idle: Double
    }

    /// In the order of time.
    private(set) var steps: [Step] = []

    init(_ timeline: ApplyTimeline, _ plan: Plan) {
        let spans = timeline.measured
        guard var current = spans.indices.max(by: { spans[$0].end < spans[$1].end }) else { return }
        let byEnd = spans.indices.sorted { spans[$0].end < spans[$1].end }
        let operations = Self.operations(plan)
        let indices = Dictionary(
            spans.indices.compactMap { index in
                spans[index].kind.flatMap { operations[Key(spans[index].address, $0)] }.map { ($0, index) }
            }
        ) { first, _ in first }
        let turns = Self.turns(plan, timeline)
        // The last that ended up to `time`, but not an operation of the path itself.
        func lastEnded(by time: Double, before span: Int) -> Int? {
            byEnd.last { spans[$0].end <= time && $0 != span && spans[$0].start < spans[span].start }
        }
        var visited = Set<Int>()
        while visited.insert(current).inserted {
            let span = spans[current]
            let operation = span.kind.flatMap { operations[Key(span.address, $0)] }
            let needs = operation.map { plan.operations[$0].needs.compactMap { indices[$0] } } ?? []
            let need = needs.max { spans[$0].end < spans[$1].end }
            let ready = need.map { spans[$0].end } ?? 0
            var (before, wait) = (need, need == nil ? Step.Wait.start : .need)
            if let turn = operation.flatMap({ turns[$0] }), turn > ready,
                let other = lastEnded(by: turn, before: current)
            {
                (before, wait) = (other, .turn)
            } else if let other = lastEnded(by: span.start, before: current), spans[other].end > ready,
                Self.mostAtOnce(spans, from: ready, to: span.start) >= timeline.parallelism
            {
                (before, wait) = (other, .place)
            }
            let idle = max(0, span.start - (before.map { spans[$0].end } ?? 0))
            steps.append(Step(span: current, wait: wait, idle: idle))
            guard let before else { break }
            current = before
        }
        steps.reverse()
    }

    /// How many operations ran at the same time at most, between two moments.
    private static func mostAtOnce(_ spans: [ApplyTimeline.Span], from: Double, to: Double) -> Int {
        let overlapping = spans.filter { $0.start < to && $0.end > from }
        let changes = overlapping.map { ($0.start, 1) } + overlapping.map { ($0.end, -1) }
        // Ends before starts: a place that is given on is taken once.
        var (running, most) = (0, 0)
        for (_, change) in changes.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
            running += change
            most = max(most, running)
        }
        return most
    }

    private struct Key: Hashable {
        var address: ResourceAddress
        var kind: PlannedOperation.Kind

        init(_ address: ResourceAddress, _ kind: PlannedOperation.Kind) { (self.address, self.kind) = (address, kind) }
    }

    private static func operations(_ plan: Plan) -> [Key: Int] {
        Dictionary(
            plan.operations.enumerated().map { (Key(plan.changes[$1.change].address, $1.kind), $0) }
        ) { first, _ in first }
    }

    /// By operation: when the turn of its machine began.
    private static func turns(_ plan: Plan, _ timeline: ApplyTimeline) -> [Int: Double] {
        var found: [Int: Double] = [:]
        for machine in plan.rollout?.machines ?? [] {
            guard let begun = timeline.turns[machine.root] else { continue }
            for operation in machine.operations { found[operation] = begun }
        }
        return found
    }
}
