import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState

extension HubCommand {
    struct Authority: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ca", abstract: "Print the certificate of the authority that hubs are known by, PEM.",
            discussion: """
                Two certificates while one authority takes over from another: trust both.

                Example: osiris hub ca >ca.pem && curl --cacert ca.pem https://127.0.0.1:8080/healthz
                """)

        @Option(help: "The target whose hub it is for; default: the first.")
        var target: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let hub = try RecordedHub.one(
                    try await manifest.stateStore().snapshot(), in: manifest.place, target: target)
                guard let authority = hub.authority else {
                    throw Diagnostic(
                        .noMatch, "`\(hub.address)` speaks no TLS", address: hub.address.text,
                        help: "set `tls: true` in `spec.hub`, then `osiris apply`")
                }
                console.out(authority)
            }
        }
    }

    struct RotateAuthority: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-ca", abstract: "Ask for the next step to another certificate authority.",
            discussion: """
                Done twice, with an apply after each. The first apply makes another authority, which is trusted beside the
                present one; give callers what `osiris hub ca` prints then. The second makes the new one sign alone and
                gives every hub a certificate of it.

                Example: osiris hub rotate-ca && osiris apply
                """)

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let store = try manifest.stateStore(Providers.registry())
                let present = try await store.snapshot()
                guard let cluster = present.cluster, present.authority != nil else { throw Self.none(store) }
                let session = try await store.begin(
                    RunDescription(
                        operation: "hub rotate-ca", cluster: cluster, arguments: Repository.argumentsWithoutValues()))
                let isSecond: Bool
                do {
                    guard var record = try await store.snapshot().authority else { throw Self.none(store) }
                    isSecond = record.attributes["certificate"]?.stringValue.map(Self.holdsTwo) ?? false
                    record.attributes["rotation"] = "asked"
                    record.incomplete = ResourceRecord.rotationAsked
                    try await session.record(.observed(record, text: "rotation asked for"))
                } catch {
                    try? await session.end(.failed)
                    throw error
                }
                try await session.end(.succeeded)
                if console.json { return console.line(Value.map(["step": .int(isSecond ? 2 : 1)]).jsonText) }
                console.line(
                    isSecond
                        ? "The next `osiris apply` gives every hub a certificate of the new authority alone."
                        : "The next `osiris apply` makes another authority, trusted beside the present one.")
                if !isSecond {
                    console.line("Give callers what `osiris hub ca` prints then, and run this command and apply again.")
                }
            }
        }

        private static func holdsTwo(_ certificates: String) -> Bool {
            certificates.components(separatedBy: "-----BEGIN CERTIFICATE-----").count > 2
        }

        private static func none(_ store: StateStore) -> Diagnostic {
            Diagnostic(
                .noMatch, "the state in \(store.location) has no certificate authority",
                help: "set `tls: true` in `spec.hub`, then `osiris apply`")
        }
    }
}

extension StateSnapshot {
    fileprivate var authority: ResourceRecord? {
        resources.values.first { $0.type == AuthorityResource.type.name }
    }
}
