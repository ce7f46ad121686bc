import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit

extension HubCommand {
    /// Tokens that people make, beside those that follow from the hub's own.
    struct Tokens: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make, list and revoke tokens that can be taken back one by one.",
            discussion: "Example: osiris hub tokens create --name ci --role deploy --namespace demo --expires 30d",
            subcommands: [Create.self, List.self, Revoke.self])
    }

    /// Which hubs: one token is good for all of them.
    struct FleetOptions: ParsableArguments {
        @Option(help: "Only the hubs of this target; default: all in the state.")
        var target: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func fleet() async throws -> HubFleet {
            try HubFleet(try await manifest.stateStore().snapshot(), in: manifest.place, target: target)
        }
    }
}

extension HubCommand.Tokens {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it, once: the hubs get its digest only.",
            discussion: """
                Example: osiris hub tokens create --name ci --role deploy --namespace demo --expires 30d --rate 100/s

                If some hubs do not take it, do the same again with --again and the token on standard input.
                """)

        @Option(help: "What it is called in lists and logs; one token for each name.")
        var name: String

        @Option(help: "What it may do: admin, deploy, invoke or read.")
        var role: HubRole

        @Option(
            parsing: .singleValue,
            help: ArgumentHelp("A namespace it is good for; may be repeated. Default: all.", valueName: "namespace"))
        var namespace: [String] = []

        @Option(
            help: ArgumentHelp("How long it is good, such as 30d or 12h. Default: for ever.", valueName: "duration"))
        var expires: String?

        @Option(help: ArgumentHelp("Most requests, such as 100/s, 600/m or 1000/h.", valueName: "rate"))
        var rate: TokenRate?

        @Flag(help: "Read an earlier token from standard input instead of making one: for hubs that have it not.")
        var again = false

        @OptionGroup var options: HubCommand.FleetOptions

        func run() async throws {
            let console = Console(options.output)
            try await console.run {
                let order = try order()
                let token = try again ? earlier() : TokenText()
                let fleet = try await options.fleet()
                let body = order.merging(["id": .string(token.id), "sha256": .string(token.sha256)]) { $1 }
                let replies = await fleet.ask("POST", "/system/tokens", body: .map(body))
                var (taken, faults): ([ResourceAddress], [Diagnostic]) = ([], [])
                for reply in replies {
                    do throws(Diagnostic) {
                        _ = try reply.answer([200, 201])
                        taken.append(reply.hub)
                    } catch {
                        faults.append(error)
                    }
                }
                if !taken.isEmpty {
                    if console.json {
                        let shown: Value = [
                            "id": .string(token.id), "token": .string(token.clear),
                            "hubs": .list(taken.map { .string($0.text) }),
                        ]
                        console.line(shown.prettyJSONText)
                    } else {
                        console.line(token.clear)
                        let hubs = taken.count == 1 ? "`\(taken[0])` has" : "\(taken.count) hubs have"
                        console.note("\(hubs) the token \(token.id). It is not shown again.")
                    }
                }
                guard faults.isEmpty else {
                    if !taken.isEmpty {
                        console.note(
                            "\(faults.count) of \(replies.count) hubs have it not. Do the same again with --again, and the "
                                + "token on standard input.")
                    }
                    throw DiagnosticsError(faults)
                }
            }
        }

        private func order() throws -> [String: Value] {
            var order: [String: Value] = ["name": .string(name), "role": .string(role.rawValue)]
            if !namespace.isEmpty { order["namespaces"] = .list(namespace.map(Value.string)) }
            if let expires {
                guard let seconds = Self.seconds(expires) else {
                    throw Diagnostic(
                        .usage, "`--expires` is not a time: `\(expires)`", help: "write it like 30d or 12h")
                }
                order["expiresInSeconds"] = .int(seconds)
            }
            if let rate { order["rate"] = ["perSecond": .double(rate.perSecond), "burst": .int(rate.burst)] }
            return order
        }

        private func earlier() throws -> TokenText {
            let text = String(decoding: StandardInput.bytes, as: UTF8.self).trimmingCharacters(
                in: .whitespacesAndNewlines)
            guard let token = TokenText(text) else {
                throw Diagnostic(
                    .usage, "standard input is not a token that this command made",
                    help: "give it the token itself, which begins with \(TokenText.prefix)")
            }
            return token
        }

        /// Days, or a time as in a manifest of at least a second.
        private static func seconds(_ text: String) -> Int? {
            if text.last == "d", let days = Int(text.dropLast()), (1...36_500).contains(days) { return days * 86_400 }
            guard let milliseconds = Quantities.milliseconds(text), milliseconds >= 1000 else { return nil }
            return milliseconds / 1000
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the tokens of the hubs, and which hubs have each.",
            discussion: "Example: osiris hub tokens list --json")

        @OptionGroup var options: HubCommand.FleetOptions

        func run() async throws {
            let console = Console(options.output)
            try await console.run {
                let replies = try await options.fleet().ask("GET", "/system/tokens")
                var (tokens, faults): ([String: ListedToken], [Diagnostic]) = ([:], [])
                for reply in replies {
                    do throws(Diagnostic) {
                        let found = try reply.answer([200]).json?.listValue ?? []
                        for fields in found.compactMap(\.mapValue) {
                            guard let id = fields["id"]?.stringValue else { continue }
                            tokens[id, default: ListedToken(fields)].add(fields, on: reply.hub)
                        }
                    } catch {
                        faults.append(error)
                    }
                }
                let rows = tokens.values.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
                if console.json {
                    console.line(Value.list(rows.map(\.value)).prettyJSONText)
                } else {
                    console.table(ListedToken.columns, rows.map { $0.row(of: replies.count) })
                }
                if !faults.isEmpty { throw DiagnosticsError(faults) }
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a token on every hub that has it. It takes effect at once.",
            discussion: "Example: osiris hub tokens revoke k3v9x0ab")

        @Argument(help: "The token's id, which `osiris hub tokens list` shows.")
        var id: String

        @OptionGroup var options: HubCommand.FleetOptions

        func run() async throws {
            let console = Console(options.output)
            try await console.run {
                // The whole token has the id in it, and must not be sent anywhere.
                guard let id = TokenText.isID(id) ? id : TokenText(id)?.id else {
                    throw Diagnostic(
                        .usage, "that is not the id of a token", help: "`osiris hub tokens list` shows the ids")
                }
                let replies = try await options.fleet().ask("DELETE", "/system/tokens/\(id)")
                var (revoked, faults): ([ResourceAddress], [Diagnostic]) = ([], [])
                for reply in replies {
                    do throws(Diagnostic) {
                        if try reply.answer([200, 404]).status == 200 { revoked.append(reply.hub) }
                    } catch {
                        faults.append(error)
                    }
                }
                if !revoked.isEmpty {
                    if console.json {
                        let shown: Value = ["id": .string(id), "hubs": .list(revoked.map { .string($0.text) })]
                        console.line(shown.prettyJSONText)
                    } else {
                        console.line("Revoked \(id) on \(revoked.map(\.text).joined(separator: ", ")).")
                    }
                }
                if !faults.isEmpty { throw DiagnosticsError(faults) }
                if revoked.isEmpty {
                    throw Diagnostic(
                        .noMatch, "no hub has a token `\(id)`", help: "`osiris hub tokens list` shows those there are")
                }
            }
        }
    }
}
