import Foundation
import NIOCore
import Synchronization

/// One running process of a function: starts it, has one call at a time on it, stops it.
actor Instance {
    /// Longest wait for the handshake.
    static let handshakeLimit = Duration.seconds(30)
    /// Life that makes an instance without a handshake a ready one.
    static let settleTime = Duration.milliseconds(50)
    /// Time between SIGTERM and SIGKILL.
    static let stopGrace = Duration.seconds(2)

    private let launch: Launch
    private let log: FunctionLog
    private let ledger: InstanceLedger
    private let lastLine = Mutex<[UInt8]>([])
    private var process: ChildProcess?
    private var channels: [any Channel] = []
    private var reader: Task<Void, Never>?
    private var handshake: CheckedContinuation<Bool, Never>?
    private var launched = false
    private var greeted = false
    private var calls = 0
    /// Processes that its control group refused so far, as far as this was asked.
    private var refusals = 0
    private var call: (number: Int, id: String, continuation: CheckedContinuation<Outcome, Never>)?
    private var verdict: Outcome?
    private var failure: String?
    private var opened = false
    private var status: ProcessEnd?
    private var end: End?
    private var endWaiters: [CheckedContinuation<End, Never>] = []

    init(_ launch: Launch, log: FunctionLog, ledger: InstanceLedger) {
        self.launch = launch
        self.log = log
        self.ledger = ledger
    }

    /// Launches the process and waits until it takes calls.
    /// - Returns: false if it never will; `ended()` tells why.
    func start() async -> Bool {
        do {
            if let group = launch.group { try await BlockingWork.run { try group.make() } }
            let (process, pipes) = try await ChildProcess.launch(launch.command) { status in
                Task { await self.exited(status) }
            }
            self.process = process
            await ledger.add(process.pid)
            let (log, redaction) = (log, launch.redaction)
            let errors = try await PipeLines.follow(pipes.error, limit: FunctionLog.lineBytes) { bytes in
                if !bytes.isEmpty { self.lastLine.withLock { $0 = bytes } }
                return log.append(bytes, redaction)
            }
            let (channel, lines) = try await PipeLines.open(
                input: pipes.input, output: pipes.output, limit: launch.outputBytes + launch.wire.envelopeBytes,
                ahead: 8)
            channels = [channel, errors]
            reader = Task {
                for await event in lines { self.received(event) }
                self.outputEnded()
            }
        } catch {
            process?.signal(SIGKILL)
            let text = (error as? POSIXError).map { String(cString: strerror($0.code.rawValue)) } ?? "\(error)"
            failure = "\(launch.command.program) cannot be started: \(text)"
            if process == nil {
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
        if greeted { return failure == nil }
        return await withCheckedContinuation { handshake = $0 }
    }

    /// Sends one call and waits for its answer.
    /// - Parameters:
    ///   - id: of letters that need no escape in JSON.
    ///   - input: a JSON document on one line.
    func call(id: String, input: [UInt8], timeout: Duration) async -> Outcome {
        guard status == nil, verdict == nil, failure == nil, let channel = channels.first, channel.isActive else {
            return .notSent
        }
        calls += 1
        let number = calls
        let timer = Task {
            try await Task.sleep(for: timeout)
            self.condemn(.timedOut, call: number)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            call = (number, id, continuation)
            channel.writeAndFlush(ByteBuffer(bytes: launch.wire.request(id: id, input: input)), promise: nil)
        }
    }

    /// Asks the process to end, makes it end after the grace, and waits until it has.
    func stop() async {
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
        guard status == nil, let handshake else { return }
        self.handshake = nil
        if launch.wire.hasHandshake || !launched {
            failure = "It said nothing within \(Self.handshakeLimit)."
            process?.signal(SIGKILL)
        }
        handshake.resume(returning: failure == nil)
    }

    private func received(_ event: LineFramer.Event) {
        if !launched {
            launched = event == .line(Sandbox.started)
            if launched, !launch.wire.hasHandshake {
                Task {
                    try await Task.sleep(for: Self.settleTime)
                    self.settle()
                }
            }
            return
        }
        if launch.wire.hasHandshake, !greeted {
            greeted = true
            if case .line(let line) = event, case .failed(let reason) = launch.wire.handshake(line) {
                failure = launch.redaction.apply(reason)
            }
            handshake?.resume(returning: failure == nil)
            handshake = nil
            return
        }
        guard let call, verdict == nil else {
            if case .line(let line) = event { log.append(line, launch.redaction) }
            return
        }
        switch event {
        case .overflow: condemn(.tooLarge, call: call.number)
        case .line(let line):
            switch launch.wire.answer(line, to: call.id) {
            case .output(let output) where output.count > launch.outputBytes: condemn(.tooLarge, call: call.number)
            case .output(let output): answer(.output(output))
            case .raised(let type, let message):
                let raised = Outcome.raised(type: type, message: launch.redaction.apply(message))
                Task { await self.judge(raised, call: call.number) }
            case .exceeded(let limit, let message):
                condemn(.exceeded(limit: limit, message: launch.redaction.apply(message)), call: call.number)
            case .broken(let reason): condemn(.died(reason), call: call.number)
            }
        }
    }

    private func answer(_ outcome: Outcome) {
        call?.continuation.resume(returning: outcome)
        call = nil
    }

    /// Answers a call that raised, unless it raised in want of a process: the control group knows.
    private func judge(_ raised: Outcome, call number: Int) async {
        guard case .raised(let type, let message) = raised else { return }
        let wanted = ControlGroup.signsOfRefusal.contains { message.contains($0) }
        let group = launch.group
        let refused = wanted ? (try? await BlockingWork.run { group?.refusedProcesses() }) ?? 0 : 0
        guard call?.number == number, verdict == nil else { return }
        guard refused > refusals else { return answer(raised) }
        refusals = refused
        condemn(.exceeded(limit: "processes", message: "\(type): \(message)"), call: number)
    }

    /// Kills the process for what a call did. The call is answered when the process is gone.
    private func condemn(_ outcome: Outcome, call number: Int) {
        guard call?.number == number, verdict == nil else { return }
        verdict = outcome
        process?.signal(SIGKILL)
    }

    /// A process that closes its stdout can answer no more calls.
    private func outputEnded() {
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
        await leaveGroup()
        let line = String(decoding: launch.redaction.apply(lastLine.withLock { $0 }), as: UTF8.self)
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
        handshake?.resume(returning: false)
        handshake = nil
        answer(verdict ?? .died(end.reason))
        for waiter in endWaiters { waiter.resume(returning: end) }
        endWaiters = []
    }
}
