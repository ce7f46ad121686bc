import Foundation
import NIOCore

/// One running process of a function: starts it, has one call at a time on it, stops it.
actor Instance: RunningInstance {
    /// Longest wait for the handshake.
    static let handshakeLimit = Duration.seconds(30)
    /// Life that makes an instance without a handshake a ready one.
    static let settleTime = Duration.milliseconds(50)
    /// Time between SIGTERM and SIGKILL.
    static let stopGrace = Duration.seconds(2)

    nonisolated let id = Instance.newID()
    nonisolated let since = Date().timeIntervalSince1970
    private let launch: Launch
    private let log: any LogSink
    private let ledger: InstanceLedger
    private let errors: ErrorLines
    private var process: ChildProcess?
    private var channels: [any Channel] = []
    private var reader: Task<Void, Never>?
    private var lines: LineWire?
    private var wire: (any Wire)?
    private var handshake: CheckedContinuation<Void, Never>?
    /// False until somebody started it.
    private var begun = false
    private var launched = false
    private var greeted = false
    private var calls = 0
    /// Processes that its control group refused so far, as far as this was asked.
    private var refusals = 0
    /// The call that runs.
    private var call: (number: Int, answer: AnswerStream)?
    private var verdict: Outcome?
    private var failure: String?
    private var opened = false
    private var status: ProcessEnd?
    private var end: End?
    private var endWaiters: [CheckedContinuation<End, Never>] = []

    init(_ launch: Launch, log: any LogSink, ledger: InstanceLedger) {
        self.launch = launch
        errors = ErrorLines(isMarked: launch.wire == .http)
        self.log = log
        self.ledger = ledger
    }

    /// Of its process, nil before it is launched.
    var pid: Int32? { process?.pid }

    /// Launches the process and waits until it takes calls.
    /// - Returns: false if it never will; `ended()` tells why.
    func start() async -> Bool {
        begun = true
        do {
            if let group = launch.group { try await BlockingWork.run { try group.make() } }
            let (process, pipes) = try await ChildProcess.launch(launch.command) { status in
                Task { await self.exited(status) }
            }
            self.process = process
            await ledger.add(process.pid)
            let (log, redaction, id, lines) = (log, launch.redaction, id, errors)
            let errors = try await PipeLines.follow(pipes.error, limit: FunctionLog.lineBytes) { bytes in
                guard let line = lines.read(bytes) else { return 0 }
                return log.append(line.text, redaction, instance: id, call: line.call)
            }
            let (channel, events) = try await PipeLines.open(
                input: pipes.input, output: pipes.output, limit: max(launch.outputBytes, 4096), ahead: 8)
            channels = [channel, errors]
            if launch.wire == .lines { self.lines = LineWire(channel) }
            wire = self.lines
            reader = Task { for await event in events { self.received(event) } }
            channel.closeFuture.whenComplete { _ in Task { await self.outputEnded() } }
        } catch {
            process?.signal(SIGKILL)
            let text = (error as? POSIXError).map { String(cString: strerror($0.code.rawValue)) } ?? "\(error)"
            failure = "\(launch.command.program) cannot be started: \(text)"
            if process == nil {
                await launch.secretFolder?.remove()
                await leaveGroup()
                finish(End(reason: failure ?? "", excused: false))
            }
        }
        opened = true
        if status != nil { Task { await self.drain() } }
        guard failure == nil, status == nil else { return false }
        let timer = Task {
            try await Task.sleep(for: Self.handshakeLimit)
            self.settle()
        }
        defer { timer.cancel() }
        if !greeted { await withCheckedContinuation { handshake = $0 } }
        guard failure == nil, status == nil, let channel = channels.first else { return false }
        guard launch.wire == .http else { return true }
        wire = try? await HTTPWire.open(channel, replacing: PipeLines.handlerName)
        return wire != nil
    }

    /// Sends one call and takes its answer to the end.
    /// - Parameters:
    ///   - answer: gets an answer that comes in pieces.
    ///   - timeout: longest time until the last byte of the answer.
    func call(_ call: InstanceCall, to answer: AnswerStream, timeout: Duration) async -> Outcome {
        guard status == nil, verdict == nil, failure == nil, let wire, channels.first?.isActive == true else {
            return .notSent
        }
        calls += 1
        let number = calls
        self.call = (number, answer)
        let timer = Task(executorPreference: EventLoops.tasks) {
            try await Task.sleep(for: timeout)
            await self.condemn(.timedOut(milliseconds: Int(timeout / .milliseconds(1))), call: number)
        }
        defer { timer.cancel() }
        errors.begin(call.id)
        var outcome: Outcome
        do {
            outcome = await judged(try await wire.run(call, to: answer, limit: launch.outputBytes))
            if outcome.leavesInstance { await errors.end() } else { condemn(outcome, call: number) }
        } catch {
            switch error as? WireFault {
            case .tooLarge: condemn(.tooLarge, call: number)
            case .broken(let reason): condemn(.died(reason), call: number)
            case .closed, nil: process?.signal(SIGKILL)
            }
            outcome = .notSent
        }
        // What the process did is told when it is gone.
        if !outcome.leavesInstance || verdict != nil {
            let end = await ended()
            outcome = verdict ?? .died(end.reason)
        }
        self.call = nil
        return outcome.redacted(launch.redaction)
    }

    /// Asks the process to end, makes it end after the grace, and waits until it has.
    func stop() async {
        guard begun else {
            await launch.secretFolder?.remove()
            return
        }
        guard end == nil else { return }
        failure = failure ?? "stopped"
        await terminate()
        channels.first?.close(promise: nil)
        let process = process
        let timer = Task {
            try await Task.sleep(for: Self.stopGrace)
            process?.signal(SIGKILL)
        }
        _ = await ended()
        timer.cancel()
    }

    private func terminate() async {
        guard let process, status == nil else { return }
        // The one that watches would end at once, and take the others with it.
        guard launch.contained, let leader = ProcessIdentity(pid: process.pid) else { return process.signal(SIGTERM) }
        _ = try? await BlockingWork.run { leader.signalSession(SIGTERM, sparing: [leader.pid]) }
    }

    /// Waits until the process has ended.
    func ended() async -> End {
        if let end { return end }
        return await withCheckedContinuation { endWaiters.append($0) }
    }

    private func settle() {
        guard status == nil, handshake != nil else { return }
        if launch.wire == .http || !launched {
            failure = "It said nothing within \(Self.handshakeLimit)."
            process?.signal(SIGKILL)
        }
        greet()
    }

    private func received(_ event: LineFramer.Event) {
        if !launched {
            launched = event == .line(Sandbox.started)
            if launched, launch.wire == .lines {
                Task {
                    try await Task.sleep(for: Self.settleTime)
                    self.settle()
                }
            }
            return
        }
        if launch.wire == .http, !greeted {
            greeted = true
            if case .line(let line) = event, case .failed(let reason) = Handshake(line) {
                failure = launch.redaction.apply(reason)
            }
            return greet()
        }
        if lines?.received(event) == true { return }
        if case .line(let line) = event { log.append(line, launch.redaction, instance: id, call: nil) }
    }

    private func greet() {
        handshake?.resume()
        handshake = nil
    }

    /// What is told of a call that raised in want of a process: its control group knows.
    private func judged(_ outcome: Outcome) async -> Outcome {
        guard case .raised(let type, let message) = outcome, let group = launch.group,
            ControlGroup.signsOfRefusal.contains(where: message.contains)
        else { return outcome }
        let refused = (try? await BlockingWork.run { group.refusedProcesses() }) ?? 0
        guard refused > refusals else { return outcome }
        refusals = refused
        return .exceeded(limit: "processes", message: "\(type): \(message)")
    }

    /// Kills the process for what a call did.
    private func condemn(_ outcome: Outcome, call number: Int) {
        guard call?.number == number, verdict == nil else { return }
        verdict = outcome
        process?.signal(SIGKILL)
    }

    /// A process that closes its stdout can answer no more calls.
    private func outputEnded() {
        _ = lines?.received(nil)
        let process = process
        // It usually closes it by exiting; then the exit code is the better story.
        Task {
            try await Task.sleep(for: .milliseconds(500))
            process?.signal(SIGKILL)
        }
    }

    private func exited(_ status: ProcessEnd) async {
        self.status = status
        // A quick one ends while its pipes are still being opened; start() takes over then.
        if opened { await drain() }
    }

    private func drain() async {
        // What it wrote last is still in the pipes; somebody it left behind may hold them open, so not for ever.
        let channels = channels
        let reader = reader
        let cut = Task {
            try await Task.sleep(for: .milliseconds(500))
            for channel in channels { channel.close(promise: nil) }
        }
        for channel in channels { try? await channel.closeFuture.get() }
        await reader?.value
        cut.cancel()
        if let process { await ledger.remove(process.pid) }
        await launch.secretFolder?.remove()
        await leaveGroup()
        let line = String(decoding: launch.redaction.apply(errors.last), as: UTF8.self)
        let status = end(status)
        let reason = failure ?? (line.isEmpty ? status : "\(status): \(line.prefix(500))")
        finish(End(reason: reason, excused: verdict != nil))
    }

    /// Ends what is left in its control group. If a limit of the group ended the instance, that is how its call went.
    private func leaveGroup() async {
        guard let group = launch.group, let breach = try? await BlockingWork.run({ group.end() }) else { return }
        if verdict == nil, call != nil { verdict = .exceeded(limit: breach.limit, message: breach.message) }
        failure = failure ?? "It reached its limit for \(breach.limit): \(breach.message)."
    }

    private func end(_ status: ProcessEnd?) -> String {
        // bubblewrap tells a signal as a shell does.
        if launch.contained, case .code(let code) = status, code > 128 { return "\(ProcessEnd.signal(code - 128))" }
        return status.map { "\($0)" } ?? "unknown end"
    }

    private func finish(_ end: End) {
        self.end = end
        greet()
        // It may wait for a caller that takes its time.
        call?.answer.abandon()
        for waiter in endWaiters { waiter.resume(returning: end) }
        endWaiters = []
    }
}
