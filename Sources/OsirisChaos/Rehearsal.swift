import Foundation
import OsirisModel
import OsirisState

/// What the undisturbed run of a phase starts from, does, and leaves.
public struct Baseline: Sendable {
    /// Folder that is copied for each scenario; nil for an empty one.
    var template: String?
    var boundaries: Int
    var expected: Inventory
}

/// What came of one scenario.
public struct ScenarioResult: Sendable {
    public var scenario: Scenario
    /// Processes that were started.
    public var runs: Int
    public var violations: [Violation]
    /// Where its state, stores and logs are; nil if they were removed because nothing was wrong.
    public var folder: String?
}

/// Plays scenarios in folders of their own: the disturbed runs, then `apply` until it is done, then the audit.
public struct Rehearsal: Sendable {
    /// Reruns without faults before somebody would have to do something by hand.
    static let maxReruns = 5

    private let root: String
    private let program: ChildProgram
    private let remaining: @Sendable (String, Phase) async throws -> [String]
    private let sabotage: Sabotage?

    /// - Parameters:
    ///   - root: an existing folder for the scenarios' folders.
    ///   - remaining: addresses that a plan in a folder would still change.
    ///   - sabotage: for tests of chaos itself: breaks every disturbed and repeated run.
    public init(
        root: String, program: ChildProgram, sabotage: Sabotage? = nil,
        remaining: @escaping @Sendable (_ folder: String, _ phase: Phase) async throws -> [String]
    ) {
        (self.root, self.program, self.sabotage, self.remaining) = (root, program, sabotage, remaining)
    }

    // MARK: The undisturbed runs

    /// Runs every phase once without any fault.
    /// - Throws: `ChaosError` if one does not end well: there is nothing to compare with then.
    public func baselines() async throws -> [Phase: Baseline] {
        var found: [Phase: Baseline] = [:]
        for phase in Phase.allCases {
            let template = try await template(for: phase)
            let folder = try self.folder("undisturbed-\(phase)", from: template)
            try await undisturbed(phase.undisturbed, name: "1", in: folder)
            let left = try await remaining(folder, phase)
            guard left.isEmpty else {
                throw ChaosError("the undisturbed \(phase) leaves changes, first of `\(left[0])`", folder: folder)
            }
            found[phase] = Baseline(
                template: template, boundaries: try ChildProgram.boundaries(ofRun: "1", in: folder),
                expected: Inventory(try await Self.snapshot(folder), try StoreLog.all(in: folder)))
        }
        return found
    }

    private func template(for phase: Phase) async throws -> String? {
        guard let variant = phase.before else { return nil }
        let folder = try self.folder("before-\(phase)", from: nil)
        var step = Step()
        step.variant = variant
        try await undisturbed(step, name: "0", in: folder)
        return folder
    }

    private func undisturbed(_ step: Step, name: String, in folder: String) async throws {
        let end = try await program.run(step, name: name, in: folder)
        guard end.code == 0 else {
            let said = (try? String(contentsOfFile: "\(folder)/run-\(name).out", encoding: .utf8)) ?? ""
            throw ChaosError("a run without any fault failed: \(said.suffix(600))", folder: folder)
        }
    }

    // MARK: One scenario

    /// Plays a scenario. Never throws: whatever keeps it from being played is a violation too.
    public func play(_ scenario: Scenario, _ baseline: Baseline) async -> ScenarioResult {
        var result = ScenarioResult(scenario: scenario, runs: 0, violations: [], folder: nil)
        do {
            let folder = try folder(scenario.seed, from: baseline.template)
            result.folder = folder
            for (index, steps) in scenario.rounds.enumerated() {
                result.runs += steps.count
                result.violations += try await round(steps, index + 1, in: folder)
            }
            try await finish(scenario, baseline, in: folder, &result)
            if result.violations.isEmpty {
                try FileManager.default.removeItem(atPath: folder)
                result.folder = nil
            }
        } catch {
            result.violations.append(Violation(.crash, "", "the scenario could not be played: \(error)"))
        }
        return result
    }

    /// Operators at the same time on the same state. Who does not sleep begins when the other has fallen asleep.
    private func round(_ steps: [Step], _ number: Int, in folder: String) async throws -> [Violation] {
        let names = steps.indices.map { steps.count == 1 ? "\(number)" : "\(number)-operator-\($0 + 1)" }
        let sleeper = steps.firstIndex { $0.nap != nil }
        let watch = SleepWatch(
            log: "\(folder)/run-\(names[sleeper ?? 0]).log", boundary: sleeper.flatMap { steps[$0].nap?.boundary } ?? 0)
        return try await withThrowingTaskGroup(of: Violation?.self) { group in
            for (index, step) in steps.enumerated() {
                var step = step
                step.sabotage = sabotage
                group.addTask { [step] in
                    if let sleeper, index != sleeper { await watch.wait() }
                    let end = try await program.run(step, name: names[index], in: folder)
                    if index == sleeper { watch.ended() }
                    return Self.complaint(end, step, names[index])
                }
            }
            var found: [Violation] = []
            for try await violation in group { if let violation { found.append(violation) } }
            return found
        }
    }

    /// A disturbed run ends well, incomplete, refused, or killed where it was to be killed; in no other way.
    private static func complaint(_ end: ChildEnd, _ step: Step, _ name: String) -> Violation? {
        switch (end.code, end.signal) {
        case (0, nil), (1, nil), (4, nil): nil
        case (nil, SIGKILL) where step.expectsKill: nil
        case (nil, SIGALRM): Violation(.crash, "", "run \(name) did not end by itself")
        case (let code?, _): Violation(.crash, "", "run \(name) ended with exit code \(code)")
        case (_, let signal): Violation(.crash, "", "run \(name) ended by signal \(signal ?? 0)")
        }
    }

    /// The same command again, without faults, until it says that it is done; then the audit.
    private func finish(
        _ scenario: Scenario, _ baseline: Baseline, in folder: String, _ result: inout ScenarioResult
    ) async throws {
        var step = scenario.phase.undisturbed
        step.sabotage = sabotage
        var isDone = false
        for rerun in 1...Self.maxReruns where !isDone {
            result.runs += 1
            isDone = try await program.run(step, name: "again-\(rerun)", in: folder).code == 0
        }
        if !isDone {
            result.violations.append(
                Violation(.notDone, "", "\(Self.maxReruns) more runs without faults did not end well"))
        }
        for address in try await remaining(folder, scenario.phase) {
            result.violations.append(Violation(.planNotEmpty, address, "a plan would still change it"))
        }
        result.violations += Audit.violations(
            try await Self.snapshot(folder), try StoreLog.all(in: folder), expected: baseline.expected,
            failed: try Self.failedAddresses(in: folder), mayRemake: scenario.changesItsMind)
    }

    /// What the runs said of operations that failed; each said it before it did anything about it.
    private static func failedAddresses(in folder: String) throws -> Set<String> {
        var failed: Set<String> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".out") {
            for line in try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")).split(separator: 0x0A) {
                guard let event = (try? Value(json: line))?.mapValue, event["event"] == "operation-failed",
                    let address = event["address"]?.stringValue
                else { continue }
                failed.insert(address)
            }
        }
        return failed
    }

    private static func snapshot(_ folder: String) async throws -> StateSnapshot {
        try await StateStore.open(path: folder + "/.osiris/state.db").snapshot(unsealing: false)
    }

    private func folder(_ name: String, from template: String?) throws -> String {
        let folder = "\(root)/\(name)"
        let files = FileManager.default
        if let template {
            try files.copyItem(atPath: template, toPath: folder)
        } else {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        return folder
    }
}

/// Why chaos cannot begin.
public struct ChaosError: Error, Sendable, CustomStringConvertible {
    /// One sentence.
    public var message: String
    /// Where to look.
    public var folder: String

    init(_ message: String, folder: String) { (self.message, self.folder) = (message, folder) }

    public var description: String { message }
}
