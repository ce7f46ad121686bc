import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Shows one function with its kept versions and its instances.
struct FunctionsDescribe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Show a function, its kept versions and its instances.",
        discussion: "Example: osiris functions describe demo/hello")

    @OptionGroup var options: FunctionsCommand.FunctionOptions

    func run() async throws {
        let console = Console(options.output)
        try await console.run {
            let hub = try await options.hub()
            let http = Providers.http
            func get(_ path: String) async throws -> Value {
                let answer = try await hub.call("GET", path, as: .read, over: http)
                try hub.check(answer, "question for `\(options.function)`")
                return answer.json ?? .null
            }
            let function = try await get(options.path("/system/function"))
            let versions = try await get(options.path("/system/function", "/versions"))
            let parts = options.function.split(separator: "/")
            let instances = try await get("/system/instances?namespace=\(parts[0])&name=\(parts[1])")
            if console.json {
                let all: Value = [
                    "hub": .string(hub.address.text), "function": function, "versions": versions,
                    "instances": instances,
                ]
                return console.line(all.prettyJSONText)
            }
            show(function.mapValue ?? [:], on: hub, console)
            console.line("")
            let columns = ["version", "deployed", "by", "status", "digest"]
            console.table(columns, (versions.listValue ?? []).map { Self.version($0.mapValue ?? [:]) })
            console.line("")
            let instanceColumns = ["instance", "version", "state", "since", "pid", "restarts"]
            console.table(instanceColumns, (instances.listValue ?? []).map { Self.instance($0.mapValue ?? [:]) })
        }
    }

    private func show(_ function: [String: Value], on hub: RecordedHub, _ console: Console) {
        func text(_ name: String) -> String { Self.text(function[name]) }
        var rows = [
            ["function", options.function], ["hub", "\(hub.address) at \(hub.url)"], ["runtime", text("runtime")],
            ["state", text("state")], ["version", "\(text("version")), \(text("servingVersion")) serves"],
            [
                "instances",
                "\(text("availableReplicas")) ready of \(text("replicas")), \(text("startingReplicas")) starting",
            ],
            ["calls", "\(text("invocationCount")), \(text("runningCalls")) running, \(text("queueLength")) waiting"],
            ["source", text("sourceDigest")],
        ]
        if let error = function["lastError"]?.stringValue { rows.append(["last error", error]) }
        for row in rows { console.line(row[0].padding(toLength: 12, withPad: " ", startingAt: 0) + row[1]) }
    }

    private static func version(_ version: [String: Value]) -> [String] {
        var status = version["serving"]?.boolValue == true ? "serving" : "kept"
        if version["proven"]?.boolValue != true { status = "not proven" }
        if let copied = version["copyOf"]?.intValue { status += ", as \(copied)" }
        let digest = String((version["digest"]?.stringValue ?? "-").prefix(19))
        return [text(version["version"]), time(version["updated"]), text(version["author"]), status, digest]
    }

    private static func instance(_ instance: [String: Value]) -> [String] {
        [
            text(instance["id"]), text(instance["version"]), text(instance["state"]), time(instance["since"]),
            text(instance["pid"]), text(instance["restarts"]),
        ]
    }

    private static func text(_ value: Value?) -> String {
        let text = value?.stringValue ?? value?.intValue.map(String.init) ?? ""
        return text.isEmpty ? "-" : text
    }

    private static func time(_ value: Value?) -> String {
        let seconds: Double
        switch value {
        case .double(let number): seconds = number
        case .int(let number): seconds = Double(number)
        default: return "-"
        }
        return ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: seconds))
    }
}
