import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState
import OsirisTransport

/// Shows and checks a hub's log of control calls.
struct HubAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show who changed a hub, and check that nobody changed the log of it.",
        discussion: "Example: osiris hub audit --tail 20",
        subcommands: [List.self, Verify.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the latest records.", discussion: "Example: osiris hub audit list --tail 20 --json")

        @Option(help: "How many records.")
        var tail = 50

        @Option(help: "The target whose hub it is; default: the first.")
        var target: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if tail < 1 { throw ValidationError("--tail must be at least 1") }
        }

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let log = HubAuditLog(
                    hub: try RecordedHub.one(
                        try await manifest.stateStore().snapshot(), in: manifest.place, target: target))
                let records = try await log.tail(tail)
                if console.json { return console.line(Value.list(records).prettyJSONText) }
                let columns = ["seq", "time", "caller", "client", "action", "function", "version", "status", "code"]
                console.table(columns, records.map { record in columns.map { Self.text(record, $0) } })
            }
        }

        private static func text(_ record: Value, _ column: String) -> String {
            guard let value = record.mapValue?[column] else { return "-" }
            if column == "time", let time = value.intValue {
                return ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: Double(time) / 1000))
            }
            return value.stringValue ?? value.intValue.map(String.init) ?? "-"
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the chain of every record, here and not on the hub.",
            discussion: """
                Notes the last record beside the state, so that the next check tells if the log was cut off or written anew.

                Exit codes: 0 whole, 1 broken.

                Example: osiris hub audit verify
                """)

        @Option(help: "Only hubs of this target; default: all.")
        var target: String?

        @Flag(help: "Accept another log than the one seen before, as after a hub was made anew.")
        var newLog = false

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let snapshot = try await manifest.stateStore().snapshot()
                let hubs = RecordedHub.all(snapshot, in: manifest.place).filter {
                    target == nil || $0.address.target == target!
                }
                if hubs.isEmpty { _ = try RecordedHub.one(snapshot, in: manifest.place, target: target) }
                let heads = AuditHeads(folder: try manifest.statePlace().folder(keyFolder: manifest.dataFolder))
                var problems: [Diagnostic] = []
                var rows: [Value] = []
                for hub in hubs {
                    let seen = newLog ? nil : try heads.head(of: hub.address)
                    do {
                        let check = try await HubAuditLog(hub: hub).verify(seen: seen)
                        try heads.note(check.head, of: hub.address)
                        rows.append(Self.row(hub, check))
                        if check.hasOutgrownWhatWasSeen {
                            console.note(
                                "\(hub.address): all records up to the last one seen have been removed for age.")
                        }
                    } catch let fault as AuditCheck.Break {
                        rows.append(["hub": .string(hub.address.text), "whole": false, "brokenAt": .int(fault.seq)])
                        problems.append(Self.diagnostic(hub, fault))
                    }
                }
                if console.json {
                    console.line(Value.list(rows).prettyJSONText)
                } else {
                    for row in rows where row.mapValue?["whole"] == true { console.line(Self.text(row)) }
                }
                if !problems.isEmpty { throw DiagnosticsError(problems) }
            }
        }

        private static func row(_ hub: RecordedHub, _ check: AuditCheck) -> Value {
            [
                "hub": .string(hub.address.text), "whole": true, "records": .int(check.count),
                "head": .int(check.head.seq), "hash": .string(check.head.hash),
            ]
        }

        private static func text(_ row: Value) -> String {
            let row = row.mapValue ?? [:]
            return "\(row["hub"]?.stringValue ?? ""): \(row["records"]?.intValue ?? 0) records, whole up to record "
                + "\(row["head"]?.intValue ?? 0)."
        }

        private static func diagnostic(_ hub: RecordedHub, _ fault: AuditCheck.Break) -> Diagnostic {
            Diagnostic(
                .auditBroken, "the audit log of `\(hub.address)` is broken at record \(fault.seq): \(fault.reason)",
                address: hub.address.text,
                help: """
                    find out who can write the hub's catalog.db; a backup holds the log as it was. If the hub was made \
                    anew, --new-log starts over
                    """)
        }
    }
}
