import Foundation
import NIOCore

/// One running process of a function: starts it, has one call at a time on it, stops it.
///
/// It may also be started before there is a function for it: `prepare`, later `take`, then `start` as any other.
actor Instance: RunningInstance {
    /// How far its start has come.
    private enum Stage: Comparable {
        case begun
        /// The program runs, behind its sandbox.
        case launched
        /// The interpreter waits for its function.
        case warm
        /// It has got it.
        case taken
        /// The handshake came.
        case greeted
    }

    /// Longest wait for the handshake.
    static let handshakeLimit = Duration.seconds(30)
    /// Life that makes an instance without a handshake a ready one.
    static let settleTime = Duration.milliseconds(50)
    /// Time between SIGTERM and SIGKILL.
    static let stopGrace = Duration.seconds(2)
    /// Longest wait for an interpreter that was started before to take its function.
    static let takeLimit = Duration.seconds(5)

    nonisolated let id = Instance.newID()
    nonisolated let since = Date().timeIntervalSince1970
    private var launch: Launch
    private let output: InstanceOutput
    private let ledger: InstanceLedger
    private let errors: ErrorLines
    private var process: ChildProcess?
    private var channels: [any Channel] = []
    private var reader: Task<Void, Never>?
    private var lines: LineWire?
    private var wire: (any Wire)?
    private var stage: Stage?
    private var hasRefused = false
    private var stageWaiter: (wanted: Stage, continuation: CheckedContinuation<Void, Never>)?
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
        output = InstanceOutput(log: log, redaction: launch.redaction)
        self.ledger = ledger
    }

    /// Of its process, nil before it is launched.
    var pid: Int32? { process?.pid }

    /// Waits until it takes calls, after launching the process if nobody did.
    /// - Returns: false if it never will; `ended()` tells why.
    func start() async -> Bool {
        if stage == nil { await begin() }
        guard await reach(.greeted, within: Self.handshakeLimit), let channel = channels.first else { return false }
        guard launch.wire == .http else { return true }
        wire = try? await HTTPWire.open(channel, replacing: PipeLines.handlerName)
        return wire != nil
    }

    func giveWay(_ givesWay: Bool) async {
        launch.group?.givesWay = givesWay
        // One that is not made yet gets it when it is.
        guard stage != nil, status == nil, let group = launch.group else { return }
        try? await BlockingWork.run { try group.share() }
    }

    /// Launches an interpreter without a function, and waits until it could take one.
    /// - Returns: false if it never will; `ended()` tells why.
    func prepare() async -> Bool {
        await begin()
        return await reach(.warm, within: Self.handshakeLimit)
    }

    /// Gives its function to an interpreter that is prepared.
    /// - Parameters:
    ///   - line: a line of JSON without a line feed.
    ///   - launch: what holds from now on.
    /// - Returns: how that went; unless it is `taken` it must be stopped.
    func take(_ line: [UInt8], as launch: Launch, log: any LogSink) async -> Taking {
        guard stage == .warm, status == nil, failure == nil, let channel = channels.first else { return .gone }
        self.launch = launch
        output.change(log: log, redaction: launch.redaction)
        channel.writeAndFlush(ByteBuffer(bytes: line + [0x0A]), promise: nil)
        guard await reach(.taken, within: Self.takeLimit) else { return hasRefused ? .refused : .gone }
        return .taken
    }

    private func begin() async {
        stage = .begun
        do {
            if let group = launch.group { try await BlockingWork.run { try group.make() } }
            let (process, pipes) = try await ChildProcess.launch(launch.command) { status in
                Task { await self.exited(status) }
            }
            self.process = process
            await ledger.add(process.pid)
            let (output, id, lines) = (output, id, errors)
            let errors = try await PipeLines.follow(pipes.error, limit: FunctionLog.lineBytes) { bytes in
                guard let line = lines.read(bytes) else { return 0 }
                return output.append(line.text, instance: id, call: line.call)
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
                await leaveFolders()
                await leaveGroup()
                finish(End(reason: failure ?? "", excused: false))
            }
        }
        opened = true
        if status != nil { Task { await self.drain() } }
    }

    /// Waits until its start has come so far.
    /// - Returns: false if it never will.
    private func reach(_ wanted: Stage, within limit: Duration) async -> Bool {
        guard failure == nil, status == nil else { return false }
        let timer = Task {
            try await Task.sleep(for: limit)
            self.settle(limit)
        }
        defer { timer.cancel() }
        if stage ?? .begun < wanted { await withCheckedContinuation { stageWaiter = (wanted, $0) } }
        return failure == nil && status == nil
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
        guard stage != nil else { return await leaveFolders() }
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

    private func settle(_ limit: Duration) {
        guard status == nil, stageWaiter != nil else { return }
        if launch.wire == .http || stage == .begun {
            failure = "It said nothing within \(limit)."
            process?.signal(SIGKILL)
        }
        advance(to: .greeted)
    }

    private func received(_ event: LineFramer.Event) {
        if stage == .begun {
            guard event == .line(Sandbox.started) else { return }
            advance(to: .launched)
            if launch.wire == .lines {
                Task {
                    try await Task.sleep(for: Self.settleTime)
                    self.settle(Self.settleTime)
                }
            }
            return
        }
        if launch.wire == .http, let stage, stage < .greeted {
            if stage == .launched, event == .line(Handshake.warm) { return advance(to: .warm) }
            if stage == .warm, event == .line(Handshake.taken) { return advance(to: .taken) }
            hasRefused = event == .line(Handshake.refused)
            if case .line(let line) = event, case .failed(let reason) = Handshake(line) {
                failure = launch.redaction.apply(reason)
            }
            return advance(to: .greeted)
        }
        if lines?.received(event) == true { return }
        if case .line(let line) = event { output.append(line, instance: id, call: nil) }
    }

    private func advance(to stage: Stage) {
        self.stage = max(stage, self.stage ?? stage)
        guard let waiter = stageWaiter, waiter.wanted <= stage else { return }
        stageWaiter = nil
        waiter.continuation.resume()
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
        await leaveFolders()
        await leaveGroup()
        let line = String(decoding: launch.redaction.apply(errors.last), as: UTF8.self)
        let status = end(status)
        let reason = failure ?? (line.isEmpty ? status : "\(status): \(line.prefix(500))")
        finish(End(reason: reason, excused: verdict != nil))
    }

    private func leaveFolders() async {
        await launch.secretFolder?.remove()
        await launch.slot?.remove()
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
        advance(to: .greeted)
        // It may wait for a caller that takes its time.
        call?.answer.abandon()
        for waiter in endWaiters { waiter.resume(returning: end) }
        endWaiters = []
    }
}
