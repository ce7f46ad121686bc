import Foundation
import Hummingbird
import Logging
import OsirisModel
import Synchronization

@testable import OsirisHub

/// Asynchronous calls with a real store and functions that are a closure.
final class AsyncRig: Sendable {
    static let hello = AsyncPartsTests.hello
    let path: String
    /// Functions there are, and how many of their calls may run at once.
    let functions = Mutex<[FunctionName: Int]>([hello: 2])
    /// Ids of the calls that were handed over, in their order, and the number of their attempt.
    let handed = Mutex<[(id: String, attempt: String)]>([])
    /// Status of the next answer of each call, and of all that are not named.
    let statuses = Mutex<[String: [Int]]>([:])
    /// Calls with these ids do not end before they are taken out.
    let held = Mutex<Set<String>>([])

    init() throws {
        let folder = NSTemporaryDirectory() + "osiris-calls-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        path = folder + "/calls.db"
    }

    deinit { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }

    /// Times that let tests be quick.
    static var options: AsyncOptions {
        var options = AsyncOptions()
        options.schedule = RetrySchedule(base: 0.02, most: 0.1)
        options.noteEvery = 0.01
        options.diskPatience = 0.05
        return options
    }

    /// Starts, hands over and stops.
    func with(
        _ options: AsyncOptions = AsyncRig.options, wrap: (any CallStore) -> any CallStore = { $0 },
        _ test: (AsyncCalls) async throws -> Void
    ) async throws {
        let calls = AsyncCalls(
            store: wrap(try await SQLiteCallStore.open(path: path)), options: options, delivery: Delivery(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            functions: { self.functions.withLock { $0 } }, execute: { try await self.execute($0, $1) })
        try await calls.start()
        do {
            try await test(calls)
        } catch {
            held.withLock { $0 = [] }
            await calls.stop()
            throw error
        }
        await calls.stop()
    }

    private func execute(_ function: FunctionName, _ call: FunctionCall) async throws -> FunctionAnswer {
        handed.withLock { $0.append((call.id, call.headers[.attempt] ?? "none")) }
        while held.withLock({ $0.contains(call.id) }) { try await Task.sleep(for: .milliseconds(2)) }
        let status = statuses.withLock { statuses in
            guard var next = statuses[call.id], !next.isEmpty else { return 200 }
            defer { statuses[call.id] = next }
            return next.removeFirst()
        }
        var answer = FunctionAnswer.test(status)
        answer.headers[.contentType] = "text/plain"
        answer.body = call.body.echo
        return answer
    }

    /// Submits one with this id.
    @discardableResult func submit(
        _ id: String, to calls: AsyncCalls, body: String = "hi", function: FunctionName = hello, retries: Int = 2,
        callback: String? = nil
    ) async throws -> Bool {
        let request = CallRequest(method: "POST", path: "/", headers: [:], body: Array(body.utf8))
        var entry = CallEntry(id: id, function: function, isAsync: true, created: calls.options.now())
        entry.retries = retries
        entry.bytes = request.bytes
        entry.digest = request.digest(function, retries: retries, callback: callback)
        entry.callback = callback.map { .init(url: $0) }
        return try await calls.submit(entry, request, mayBeKnown: true).isNew
    }

    /// Waits until a call is in a state.
    func wait(_ id: String, _ state: CallEntry.State, in calls: AsyncCalls) async throws {
        try await eventually("\(id) is \(state)") { try await calls.entry(id)?.state == state }
    }

    var handedIDs: [String] { handed.withLock { $0.map(\.id) } }
}

extension FunctionAnswer {
    /// An empty one.
    static func test(_ status: Int) -> FunctionAnswer {
        FunctionAnswer(status: status, headers: [:], body: .init(), version: 3, instance: "i1", startedCold: false)
    }
}

extension RequestBody {
    /// The same bytes as an answer.
    fileprivate var echo: ResponseBody {
        ResponseBody { writer in
            try await writer.write(self)
            try await writer.finish(nil)
        }
    }
}
