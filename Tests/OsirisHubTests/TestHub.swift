import Foundation
import FoundationNetworking
import Logging
import OsirisModel
import Testing

@testable import OsirisHub

/// A hub on a temporary data folder and a free port, in this process, and a client for it.
final class TestHub: Sendable {
    let folder: String
    let client: Client
    /// Every route of the hub.
    let routes: [RouteRule]
    private let hub: Hub

    private init(folder: String, hub: Hub, client: Client, routes: [RouteRule]) {
        self.folder = folder
        self.routes = routes
        self.hub = hub
        self.client = client
    }

    /// Starts a hub, hands it to the test, stops it and removes its folder.
    static func with(_ test: (TestHub) async throws -> Void) async throws {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await with(folder: folder, test)
    }

    /// The same on a folder that stays.
    static func with(
        folder: String, drainGrace: Duration = Hub.drainGrace, queueBound: Int = Hub.queueBound,
        asyncOptions: AsyncOptions? = nil, _ test: (TestHub) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let hub = Hub(
            folder: folder, logger: logger, drainGrace: drainGrace, queueBound: queueBound, asyncOptions: asyncOptions)
        let port = try await hub.start()
        let testHub = TestHub(folder: folder, hub: hub, client: Client(port: port), routes: await hub.routes)
        do {
            try await test(testHub)
        } catch {
            await hub.stop()
            throw error
        }
        await hub.stop()
    }

    /// A fresh data folder whose `hub.json` has one token per role, spelled like the role.
    /// - Parameters:
    ///   - tls: whether it speaks TLS with `tls.pem` of the folder, which the caller makes.
    ///   - engine: socket of a container engine; nil for whichever the machine has.
    ///   - warm: how many interpreters wait for a function; nil for what holds without a word.
    static func makeFolder(
        rates: HubConfig.Rates? = nil, tls: Bool = false, engine: String? = nil, warm: HubConfig.Warm? = nil
    ) throws -> String {
        let folder = NSTemporaryDirectory() + "osiris-hub-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let config = HubConfig(
            address: "here/hub.here", cluster: "test", host: "127.0.0.1", port: 0, generation: "g1",
            tokens: HubConfig.Role.allCases.map { .init(role: $0, sha256: Digest.sha256($0.rawValue.utf8)) },
            rates: rates, tls: tls ? .init(file: "tls.pem") : nil, engine: engine.map { .init(socket: $0) },
            warm: warm)
        let bytes = Data(try HubJSON.encode(config))
        _ = FileManager.default.createFile(
            atPath: folder + "/hub.json", contents: bytes, attributes: [.posixPermissions: 0o600])
        return folder
    }
}

/// What a request was answered with.
struct Answer: Sendable {
    var status: Int
    var body: Data
    var headers: [String: String]

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
    var error: [String: Any] { json["error"] as? [String: Any] ?? [:] }
    var code: String { error["code"] as? String ?? "" }
    var message: String { error["message"] as? String ?? "" }
}

/// Talks to a hub on this machine.
struct Client: Sendable {
    let port: Int
    private let session: URLSession

    init(port: Int) {
        self.port = port
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpMaximumConnectionsPerHost = 128
        session = URLSession(configuration: configuration)
    }

    func send(
        _ method: String, _ path: String, body: String? = nil, token: String? = "admin",
        headers: [String: String] = [:], data: Data? = nil
    ) async throws -> Answer {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
        request.httpMethod = method
        request.timeoutInterval = 30
        request.httpBody = data ?? body.map { Data($0.utf8) }
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await session.data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        var fields: [String: String] = [:]
        for (name, value) in http.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
        return Answer(status: http.statusCode, body: data, headers: fields)
    }

    func put(_ function: TestFunction) async throws -> Answer {
        try await send("PUT", "/system/functions", body: function.body)
    }

    func call(_ name: String, _ body: String = "", headers: [String: String] = [:]) async throws -> Answer {
        try await send("POST", "/function/demo/\(name)", body: body, headers: headers)
    }

    func status(_ name: String) async throws -> FunctionStatus {
        let answer = try await send("GET", "/system/function/\(name)?namespace=demo")
        return try JSONDecoder().decode(FunctionStatus.self, from: answer.body)
    }

    /// Waits until a function is in a state the test wants.
    func wait(
        for name: String, _ what: String = "ready", until done: @Sendable (FunctionStatus) -> Bool = { $0.ready }
    ) async throws {
        try await eventually("\(name) is \(what)") { done(try await status(name)) }
    }
}

/// Asks again until it is true.
/// - Parameter patience: seconds after which the test has failed.
func eventually(_ what: String, patience: Int = 60, _ done: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(patience)
    while !(try await done()) {
        if ContinuousClock.now > deadline {
            Issue.record("Still not so after \(patience) s: \(what)")
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// The body of a deployment.
struct TestFunction {
    var fields: [String: Any]

    /// A Python function `code.handle`.
    static func python(_ name: String, _ code: String, _ more: [String: Any] = [:]) -> TestFunction {
        let file: [String: Any] = ["path": "code.py", "base64": Data(code.utf8).base64EncodedString()]
        let fields: [String: Any] = [
            "name": name, "namespace": "demo", "runtime": "python3", "handler": "code.handle", "files": [file],
        ]
        return TestFunction(fields: fields.merging(more) { $1 })
    }

    /// A JavaScript function `code.handle`.
    /// - Parameter files: its other files, path and text.
    static func node(
        _ name: String, _ code: String, file: String = "code.js", files: [String: String] = [:],
        _ more: [String: Any] = [:]
    ) -> TestFunction {
        let all = files.merging([file: code]) { $1 }.map { path, text in
            ["path": path, "base64": Data(text.utf8).base64EncodedString()]
        }
        let fields: [String: Any] = [
            "name": name, "namespace": "demo", "runtime": "node", "handler": "code.handle", "files": all,
        ]
        return TestFunction(fields: fields.merging(more) { $1 })
    }

    /// An image.
    static func container(_ name: String, _ image: String, _ more: [String: Any] = [:]) -> TestFunction {
        let fields: [String: Any] = ["name": name, "namespace": "demo", "runtime": "container", "image": image]
        return TestFunction(fields: fields.merging(more) { $1 })
    }

    /// A shell script that answers lines.
    static func command(_ name: String, _ script: String, _ more: [String: Any] = [:]) -> TestFunction {
        let file: [String: Any] = [
            "path": "run.sh", "executable": true, "base64": Data(("#!/bin/sh\n" + script).utf8).base64EncodedString(),
        ]
        let fields: [String: Any] = [
            "name": name, "namespace": "demo", "runtime": "command", "command": ["./run.sh"], "files": [file],
        ]
        return TestFunction(fields: fields.merging(more) { $1 })
    }

    var body: String {
        let data = (try? JSONSerialization.data(withJSONObject: fields)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }
}

/// True while a process runs and is no zombie.
func isRunning(_ pid: Int) -> Bool { ProcessIdentity(pid: Int32(pid))?.isAlive ?? false }
