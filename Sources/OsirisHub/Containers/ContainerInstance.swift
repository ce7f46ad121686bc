import Foundation
import HTTPTypes
import NIOCore
import Synchronization

/// One container of a function: makes it, has one call at a time on it, removes it.
actor ContainerInstance: RunningInstance {
    /// Longest wait until it takes calls, from its start on.
    static let readyLimit = Duration.seconds(30)
    /// Seconds between SIGTERM and SIGKILL.
    static let stopGrace = 2

    nonisolated let id: String
    nonisolated let since = Date().timeIntervalSince1970
    private let plan: ContainerPlan
    private let engine: Engine
    private let redaction: Redaction
    private let outputBytes: Int
    private let log: ContainerLog
    /// False until somebody started it.
    private var begun = false
    private var container: String?
    private var wire: ContainerWire?
    private var watch: Task<Void, Never>?
    private var call: (number: Int, answer: AnswerStream)?
    private var calls = 0
    private var verdict: Instance.Outcome?
    private var failure: String?
    private var end: Instance.End?
    private var endWaiters: [CheckedContinuation<Instance.End, Never>] = []

    /// The engine's to know.
    let pid: Int32? = nil

    init(
        id: String, plan: ContainerPlan, engine: Engine, redaction: Redaction, log: any LogSink, outputBytes: Int
    ) {
        self.id = id
        self.plan = plan
        self.engine = engine
        self.redaction = redaction
        self.outputBytes = outputBytes
        self.log = ContainerLog(sink: log, redaction: redaction, instance: id)
    }

    func start() async -> Bool {
        begun = true
        do {
            let container = try await engine.create(name: plan.name, plan.value)
            self.container = container
            if failure == nil { try await engine.start(container) }
            // Before anything else is asked: it may have ended already.
            watch = Task { await self.watch(container) }
            guard let address = try await address(of: container) else { return false }
            wire = ContainerWire(host: address.host, port: address.port)
        } catch {
            failure = failure ?? "The container cannot be started: \(error)"
            // Without one that watches there is nobody else to say that it is over.
            if watch == nil { await finish() } else { await kill() }
            return false
        }
        return await ready()
    }

    /// Where its port is reached; nil if it has ended.
    private func address(of container: String) async throws -> (host: String, port: Int)? {
        guard let now = try await engine.container(container), now.running else { return nil }
        guard let port = now.ports[plan.portName] else {
            throw Engine.Failure(status: 0, message: "the container engine publishes no port")
        }
        return ("127.0.0.1", port)
    }

    /// Waits until it accepts connections and says that it is ready, or knows nothing of readiness.
    private func ready() async -> Bool {
        let deadline = ContinuousClock.now + Self.readyLimit
        while end == nil, failure == nil, let wire {
            let answer = AnswerStream()
            let probe = InstanceCall(
                id: "ready", method: .get, path: "/_/ready", headers: [:], body: .whole(ByteBuffer()))
            let timer = Task {
                try await Task.sleep(for: .seconds(5))
                await wire.close()
            }
            defer { timer.cancel() }
            // A body that comes in pieces is for nobody.
            answer.abandon()
            if let outcome = try? await wire.run(probe, to: answer, limit: 1 << 20) {
                var status: Int?
                if case .answered(let head, _) = outcome { status = head.status }
                if case .streamed = outcome, case .head(let head) = await answer.first() { status = head.status }
                // 501 is what a server says that knows no GET.
                if let status, status < 500 || status == 501 { return end == nil && failure == nil }
            }
            if ContinuousClock.now > deadline {
                failure = "It did not answer on port \(plan.port) within \(Self.readyLimit)."
                await kill()
                break
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    func call(_ call: InstanceCall, to answer: AnswerStream, timeout: Duration) async -> Instance.Outcome {
        guard end == nil, verdict == nil, failure == nil, let wire else { return .notSent }
        calls += 1
        let number = calls
        self.call = (number, answer)
        let timer = Task(executorPreference: EventLoops.tasks) {
            try await Task.sleep(for: timeout)
            await self.condemn(.timedOut(milliseconds: Int(timeout / .milliseconds(1))), call: number)
        }
        defer { timer.cancel() }
        log.begin(call.id)
        var outcome: Instance.Outcome
        do {
            outcome = try await wire.run(call, to: answer, limit: outputBytes)
        } catch {
            switch error as? WireFault {
            case .tooLarge: await condemn(.tooLarge, call: number)
            case .broken(let reason): await condemn(.died(reason), call: number)
            case .closed: await condemn(.died("It closed the connection before its answer was whole."), call: number)
            case nil: await condemn(.died("It takes no connections."), call: number)
            }
            outcome = .notSent
        }
        log.end()
        if !outcome.leavesInstance || verdict != nil {
            let end = await ended()
            outcome = verdict ?? .died(end.reason)
        }
        self.call = nil
        return outcome.redacted(redaction)
    }

    func stop() async {
        guard begun, end == nil else { return }
        failure = failure ?? "stopped"
        if let container {
            do {
                try await engine.stop(container, grace: Self.stopGrace)
            } catch {
                // An engine that is gone tells nobody of its containers' ends; the next hub looks for them.
                await finish()
            }
        }
        _ = await ended()
    }

    func ended() async -> Instance.End {
        if let end { return end }
        return await withCheckedContinuation { endWaiters.append($0) }
    }

    /// Kills it for what a call did.
    private func condemn(_ outcome: Instance.Outcome, call number: Int) async {
        guard call?.number == number, verdict == nil else { return }
        verdict = outcome
        await kill()
    }

    private func kill() async {
        guard let container else { return }
        do { try await engine.kill(container) } catch { await finish() }
    }

    /// The life of the container from its start to its removal.
    private func watch(_ container: String) async {
        let (engine, log) = (engine, log)
        let follower = Task { try await log.follow(container, on: engine) }
        var reason: String
        do {
            if let code = try await engine.wait(container) {
                let now = try? await engine.container(container)
                reason =
                    now?.outOfMemory == true
                    ? "out of memory" : code > 128 ? "\(ProcessEnd.signal(Int32(code - 128)))" : "exit code \(code)"
            } else {
                reason = "somebody removed the container"
            }
        } catch {
            reason = "\(error)"
        }
        // What it wrote last is still on its way.
        let cut = Task {
            try await Task.sleep(for: .milliseconds(500))
            follower.cancel()
        }
        _ = try? await follower.value
        cut.cancel()
        log.finish()
        let line = String(decoding: redaction.apply(log.last), as: UTF8.self)
        await finish(failure ?? (line.isEmpty ? reason : "\(reason): \(line.prefix(500))"))
    }

    private func finish(_ reason: String = "stopped") async {
        if let container { try? await engine.remove(container) }
        await wire?.close()
        guard end == nil else { return }
        let end = Instance.End(reason: failure ?? reason, excused: verdict != nil)
        self.end = end
        watch?.cancel()
        call?.answer.abandon()
        for waiter in endWaiters { waiter.resume(returning: end) }
        endWaiters = []
    }
}
