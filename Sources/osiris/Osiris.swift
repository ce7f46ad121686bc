import ArgumentParser
import OsirisModel

/// The program: one verb for each file in Commands/.
@main
struct Osiris: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "osiris",
        abstract: "Plans and applies clusters of hubs and functions from YAML manifests.",
        discussion: """
            Start with `osiris init`, look with `osiris plan`, act with `osiris apply`.

            Exit codes: 0 done or nothing to do; 1 failed; 2 changes pending (--detailed-exitcode); 3 manifest invalid;
            4 refused (stale plan, lock held, safety limit); 64 wrong usage; 130 interrupted.
            """,
        version: OsirisVersion.current,
        subcommands: [
            ValidateCommand.self, PlanCommand.self, ApplyCommand.self, DestroyCommand.self, DriftCommand.self,
            ShowCommand.self, StateCommand.self, GraphCommand.self, SchemaCommand.self, ExplainCommand.self,
            InitCommand.self, UnlockCommand.self, RecoverCommand.self, OrphansCommand.self, AdoptCommand.self,
            ImportCommand.self, FunctionsCommand.self, HubCommand.self, HostsCommand.self, BundleCommand.self,
            TestCommand.self, CompletionCommand.self,
            VersionCommand.self,
        ])
}
