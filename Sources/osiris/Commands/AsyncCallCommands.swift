import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisState
import OsirisTransport

/// An asynchronous call on one hub.
struct AsyncCall {
    let id: String
    let hub: RecordedHub
    let http: any HTTPSending

    /// Hands a call to the hub of its function.
    /// - Throws: a `Diagnostic` if the hub does not take it.
    static func submit(
        _ function: String, body: Value, to hub: RecordedHub, over http: any HTTPSending
    ) async throws -> AsyncCall {
        let answer = try await hub.call("POST", "/async-function/\(function)", as: .invoke, body: body, over: http)
        guard answer.status == 202, let id = answer.json?.mapValue?["callId"]?.stringValue else {
            throw Diagnostic(
                .callFailed, "`\(function)` was not taken, \(answer.status): \(answer.problem)",
                address: hub.address.text, help: "`osiris plan` shows what is wrong with the hub")
        }
        return AsyncCall(id: id, hub: hub, http: http)
    }

    /// Finds the hub that knows a call.
    /// - Parameters:
    ///   - target: only hubs of this target.
    /// - Throws: a `Diagnostic` if none does.
    static func find(
        _ id: String, target: String?, in snapshot: StateSnapshot, manifest: ManifestPlace
    ) async throws -> AsyncCall {
        let letters = CharacterSet(charactersIn: "-_.:").union(.alphanumerics)
        guard !id.isEmpty, id.unicodeScalars.allSatisfy({ $0.isASCII && letters.contains($0) }) else {
            throw Diagnostic(.usage, "`\(id)` is no id of a call", help: "`osiris functions call --async` prints one")
        }
        let http = Providers.http
        for hub in RecordedHub.all(snapshot, in: manifest) where target == nil || hub.address.target == target! {
            let call = AsyncCall(id: id, hub: hub, http: http)
            if try await hub.call("GET", "/v1/calls/\(id)", as: .invoke, over: http).status == 200 { return call }
        }
        throw Diagnostic(
            .callFailed, "no hub knows the call `\(id)`", help: "records are kept for a day, unless hub.json says so")
    }

    /// - Throws: a `Diagnostic` if there is none any more.
    func record() async throws -> [String: Value] {
        let answer = try await hub.call("GET", "/v1/calls/\(id)", as: .invoke, over: http)
        guard answer.status == 200, let record = answer.json?.mapValue else {
            throw refused(answer.status, answer.problem)
        }
        return record
    }

    /// Waits until it has ended.
    func end() async throws {
        while case .null? = try await record()["ended"] { try await Task.sleep(for: .milliseconds(200)) }
    }

    /// What the function answered, as text.
    /// - Throws: a `Diagnostic` if it has not, or not with success.
    func result() async throws -> String {
        let record = try await record()
        let state = record["state"]?.stringValue ?? ""
        guard state == "succeeded" else {
            let why = record["error"]?.stringValue.map { ": \($0)" } ?? ""
            throw Diagnostic(
                .callFailed, "the call `\(id)` is \(state)\(why)", address: hub.address.text,
                help: state == "queued" || state == "running"
                    ? "ask again later" : "`osiris functions dead-letters` lists what was given up")
        }
        let answer = try await hub.call("GET", "/v1/calls/\(id)/result", as: .invoke, over: http)
        guard answer.status == 200 else { throw refused(answer.status, answer.problem) }
        return String(decoding: answer.body, as: UTF8.self)
    }

    /// - Returns: the record.
    func cancel() async throws -> Value {
        let answer = try await hub.call("DELETE", "/v1/calls/\(id)", as: .invoke, over: http)
        guard answer.status == 200, let record = answer.json else { throw refused(answer.status, answer.problem) }
        return record
    }

    private func refused(_ status: Int, _ problem: String) -> Diagnostic {
        Diagnostic(
            .callFailed, "the call `\(id)`, \(status): \(problem)", address: hub.address.text,
            help: "docs/async.md says what is kept for how long")
    }
}

extension FunctionsCommand {
    /// Which call.
    struct CallOptions: ParsableArguments {
        @Argument(help: ArgumentHelp("What `call --async` printed.", valueName: "call-id"))
        var id: String

        @Option(help: "The target whose hub is asked; default: every one.")
        var target: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func call() async throws -> AsyncCall {
            try await AsyncCall.find(
                id, target: target, in: try await manifest.stateStore().snapshot(), manifest: manifest.place)
        }
    }

    struct Result: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the answer of an asynchronous call.",
            discussion: "Example: osiris functions result 6b46b86b-4a52-4d8e-9f1c-3f0a4c1d2e55")

        @OptionGroup var options: CallOptions

        func run() async throws {
            let console = Console(options.output)
            try await console.run { console.line(try await options.call().result()) }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take an asynchronous call out of the queue; drop what comes of one that runs.",
            discussion: "Example: osiris functions cancel 6b46b86b-4a52-4d8e-9f1c-3f0a4c1d2e55")

        @OptionGroup var options: CallOptions

        func run() async throws {
            let console = Console(options.output)
            try await console.run {
                let record = try await options.call().cancel()
                console.line(console.json ? record.prettyJSONText : "canceled \(options.id)")
            }
        }
    }

    struct DeadLetters: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List asynchronous calls that were given up, the newest first.",
            discussion: "Example: osiris functions dead-letters --json")

        @Option(help: "The target whose hub is asked; default: every one.")
        var target: String?

        @OptionGroup var manifest: ClusterOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console(output)
            try await console.run {
                let http = Providers.http
                var letters: [Value] = []
                for hub in RecordedHub.all(try await manifest.stateStore().snapshot(), in: manifest.place)
                where target == nil || hub.address.target == target! {
                    let answer = try await hub.call("GET", "/system/dead-letters?limit=1000", as: .read, over: http)
                    guard answer.status == 200, let found = answer.json?.listValue else {
                        throw Diagnostic(
                            .callFailed, "`\(hub.address)` answered \(answer.status): \(answer.problem)",
                            address: hub.address.text, help: "`osiris apply` brings the hub up to date")
                    }
                    letters += found
                }
                if console.json { return console.line(Value.list(letters).prettyJSONText) }
                console.table(["call", "function", "attempts", "reason"], letters.map(Self.row))
            }
        }

        private static func row(_ letter: Value) -> [String] {
            let fields = letter.mapValue ?? [:]
            func text(_ name: String) -> String { fields[name]?.stringValue ?? "-" }
            return [
                text("callId"), "\(text("namespace"))/\(text("function"))",
                fields["attempts"]?.intValue.map { String($0) } ?? "-", text("error"),
            ]
        }
    }
}
