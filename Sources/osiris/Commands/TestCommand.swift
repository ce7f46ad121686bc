import ArgumentParser
import Foundation
import OsirisChaos
import OsirisDiagnostics
import OsirisEngine
import OsirisModel
import OsirisPlanner

/// Tests manifests without touching what they describe.
struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Test a manifest against failures, without touching what it describes.",
        discussion: "Example: osiris test chaos -f examples/rehearsal", subcommands: [Chaos.self, ChaosRun.self])

    struct Chaos: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Kill, starve and disconnect applies of a simulated twin; show that nothing is lost or doubled.",
            discussion: """
                Each target is replaced by a simulated one of the same size; the real ones are never asked. The runs are
                killed at every boundary and disturbed by seeds, then applied again without faults, then audited.
                Exits with 1 if a promise was broken; the folder of each failed scenario is kept.

                Example: osiris test chaos -f examples/rehearsal --kill-points 200 --seeds 100
                """)

        @Option(help: ArgumentHelp("Mixed scenarios: faults, kills, clocks, two operators.", valueName: "n"))
        var seeds = 100

        @Option(help: ArgumentHelp("The first of the mixed scenarios' seeds.", valueName: "number"))
        var from: UInt64 = 1

        @Option(help: ArgumentHelp("Kills, spread over all boundaries; all if there are fewer.", valueName: "n"))
        var killPoints = 400

        @Option(
            help: ArgumentHelp("Play only this scenario: a number, or a kill such as create-37.", valueName: "seed"))
        var seed: String?

        @Option(help: ArgumentHelp("Scenarios at a time. Default: the number of processors.", valueName: "n"))
        var jobs: Int?

        @Option(help: ArgumentHelp("Break every run, to see chaos find it.", visibility: .hidden))
        var sabotage: Sabotage?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if seeds < 0 || killPoints < 0 { throw ValidationError("--seeds and --kill-points must not be negative") }
            if let jobs, jobs < 1 || jobs > 256 { throw ValidationError("--jobs must be 1 to 256") }
            if manifest.state != nil { throw ValidationError("--state: a twin has a state of its own") }
            if manifest.paths.contains("-") {
                throw ValidationError("-f -: the manifest is read many times, name a file")
            }
        }

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let started = ContinuousClock.now
                let root =
                    FileManager.default.temporaryDirectory.path + "/osiris-chaos-\(UUID().uuidString.lowercased())"
                try FileManager.default.createDirectory(
                    atPath: root, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
                let campaign = try await prepare(root, console)
                let planned: [(String, [Scenario])]
                do { planned = try scenarios(campaign.boundaries) } catch {
                    try? FileManager.default.removeItem(atPath: root)
                    throw error
                }
                var report = ChaosReport()
                for (name, scenarios) in planned where !scenarios.isEmpty {
                    var progress = ChaosProgress(console, name, total: scenarios.count)
                    var failures: [ScenarioResult] = []
                    await campaign.play(scenarios, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount) {
                        report.add($0)
                        progress.add($0)
                        if !$0.violations.isEmpty { failures.append($0) }
                    }
                    if !console.json {
                        for failure in failures {
                            console.line(ChaosReport.text(failure, command: command(failure.scenario.seed)))
                        }
                    }
                }
                if report.failures.isEmpty { try FileManager.default.removeItem(atPath: root) }
                if console.json {
                    console.line(report.json(command: command).prettyJSONText)
                } else {
                    let seconds = (ContinuousClock.now - started).components.seconds
                    console.line("\(report.summary) (\(seconds) s)")
                }
                if !report.failures.isEmpty { throw Exit.failed }
            }
        }

        /// Shows the manifest's faults, then plays every phase without any fault.
        private func prepare(_ root: String, _ console: Console) async throws -> Campaign {
            let options = manifest
            _ = try await TwinWorkspace(options: options, folder: root, console: console)
                .open(.wanted, Providers.registry())
            let rehearsal = Rehearsal(
                root: root, program: ChildProgram(path: Self.program, arguments: childArguments), sabotage: sabotage
            ) { folder, phase in
                try await TwinWorkspace(options: options, folder: folder, console: nil).remaining(phase)
            }
            do {
                return try await console.reminding("running it without faults") {
                    Campaign(rehearsal, try await rehearsal.baselines())
                }
            } catch let error as ChaosError {
                throw Diagnostic(.operationFailed, error.message, help: "its state and logs are in \(error.folder)")
            }
        }

        private func scenarios(_ boundaries: [Phase: Int]) throws -> [(String, [Scenario])] {
            if let seed {
                guard let scenario = Scenario(seed: seed, boundaries: boundaries) else {
                    let kills = Phase.allCases.map { "\($0)-1 to \($0)-\(boundaries[$0] ?? 0)" }
                    throw Diagnostic(
                        .usage, "`--seed \(seed)` is not a seed",
                        help: "write a number, or one of \(kills.joined(separator: ", "))")
                }
                return [("seed \(seed)", [scenario])]
            }
            let kills = Scenario.killPoints(killPoints, boundaries: boundaries)
            let mixed = (0..<UInt64(seeds)).map { Scenario.mixed(seed: from &+ $0, boundaries: boundaries) }
            return Phase.allCases.map { phase in ("kill points, \(phase)", kills.filter { $0.phase == phase }) }
                + [("mixed seeds", mixed)]
        }

        /// What a user types to see a failure again. Values of variables are left out: any of them may be secret.
        private func command(_ seed: String) -> String {
            var words = ["osiris", "test", "chaos"]
            for file in manifest.files { words += ["-f", file] }
            for variable in manifest.variables { words += ["--var", variable.prefix { $0 != "=" } + "=…"] }
            for file in manifest.variableFiles { words += ["--var-file", file] }
            if let sabotage { words += ["--sabotage", sabotage.rawValue] }
            return (words + ["--seed", seed]).joined(separator: " ")
        }

        private var childArguments: [String] {
            ["test", "chaos-run"] + manifest.files.flatMap { ["-f", $0] }
                + manifest.variables.flatMap { ["--var", $0] } + manifest.variableFiles.flatMap { ["--var-file", $0] }
        }

        /// This very program, even if it was renamed or replaced since it started.
        private static var program: String { "/proc/\(getpid())/exe" }
    }

    /// One run of a scenario: an `apply` or `destroy` of the twin in which the step's faults happen.
    struct ChaosRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "chaos-run", abstract: "One disturbed run; started by `osiris test chaos`.",
            discussion: "Example: look at the processes while `osiris test chaos` works.", shouldDisplay: false)

        @Option(help: "Folder of the scenario.")
        var folder: String

        @Option(help: "What goes wrong, as JSON.")
        var step: String

        @Option(help: "File for the boundaries.")
        var log: String

        @OptionGroup var manifest: ClusterOptions

        func run() async throws {
            let console = Console(try OutputOptions.parse(["--json"]))
            try await console.run {
                let step = try JSONDecoder().decode(Step.self, from: Data(step.utf8))
                let boundaries = Boundaries(step, log: log)
                boundaries.arm()
                let workspace = try await TwinWorkspace(options: manifest, folder: folder, console: console).open(
                    step.variant, faults: step.faults, Providers.registry().cut(at: boundaries), now: boundaries.now)
                let running = try RunOptions.parse(["--auto-approve", "--parallelism", String(step.parallelism)])
                // No real service has to be spared here: the pauses are kept in proportion, and short.
                let run = ApplyRun(workspace, console, try PlanOptions.parse([]), running, listener: boundaries) {
                    try await Task.sleep(for: $0 / 200)
                }
                try await run.run(step.destroys ? .destroy : .apply)
            }
        }
    }
}

extension Sabotage: ExpressibleByArgument {}
