import HTTPTypes
import Hummingbird

// Hands calls to their functions.
extension AsyncCalls {
    /// Looks for calls to start, soon.
    func kick() {
        pumpAgain = true
        guard !isPumping else { return }
        isPumping = true
        Task { await pump() }
    }

    private func pump() async {
        while pumpAgain, !closing {
            pumpAgain = false
            let most = await functions()
            // Also those that were deleted while the hub was down.
            for function in lines.functions where most[function] == nil { await bury(lines.removeAll(of: function)) }
            while !closing, let next = lines.next(now: options.now(), most: { most[$0] ?? 0 }) {
                begin(next.id, next.function)
            }
            while !closing, callbacks.count < options.callbacksAtOnce.all,
                let next = callbackLines.next(now: options.now(), most: { _ in options.callbacksAtOnce.function })
            {
                beginCallback(next.id, next.function)
            }
        }
        isPumping = false
        setAlarm()
    }

    /// Looks again when the next call is due that is not yet.
    private func setAlarm() {
        guard !closing, let due = [lines.nextDue, callbackLines.nextDue].compactMap(\.self).min() else { return }
        if let alarm, alarm.time <= due { return }
        alarm?.task.cancel()
        let delay = max(0, due - options.now())
        let task = Task {
            guard (try? await Task.sleep(for: .seconds(delay))) != nil else { return }
            self.alarm = nil
            self.kick()
        }
        alarm = (due, task)
    }

    private func begin(_ id: String, _ function: FunctionName) {
        guard var entry = live[id], entry.state == .queued else { return lines.done(function) }
        entry.begin(at: options.now())
        live[id] = entry
        let begun = entry
        attempts[id] = Task {
            await self.attempt(begun)
            self.attempts[id] = nil
            // A canceled call is kept only while its attempt runs.
            if self.live[id]?.state == .canceled, self.storing[id] == nil { self.live[id] = nil }
            self.lines.done(function)
            self.kick()
        }
    }

    private func attempt(_ begun: CallEntry) async {
        let request: CallRequest?
        do {
            try await commits.commit([.update(begun, nil)])
            request = try await store.request(begun.id)
        } catch {
            // Not noted, so not sent.
            logger.error("An asynchronous call is put off: \(error)", metadata: ["call": "\(begun.id)"])
            return await settle(begun, nil) { $0.takeBack(due: self.options.now() + self.options.diskPatience) }
        }
        guard live[begun.id]?.state == .running else { return }
        guard let request else {
            let lost = HubError(500, "internal", "The request of this call is lost.")
            return await settle(begun, Self.result(of: lost, begun)) { $0.bury(lost, at: self.options.now()) }
        }
        let start = ContinuousClock.now
        let outcome = await outcome(of: begun, request)
        report(
            CallReport(
                function: begun.function, caller: begun.caller, status: outcome.result.status,
                seconds: (ContinuousClock.now - start) / .seconds(1), bytesIn: request.body.count,
                bytesOut: outcome.result.body.count))
        let jitter = options.jitter()
        await settle(begun, outcome.result) {
            // An instance that ends with the hub is no failure of the function.
            if self.closing, outcome.meaning == .retry { return $0.interrupt() }
            $0.end(outcome, at: self.options.now(), self.options.schedule, jitter: jitter)
        }
    }

    private func outcome(of entry: CallEntry, _ request: CallRequest) async -> CallOutcome {
        var headers = request.headers
        headers[.attempt] = String(entry.attempts)
        let call = FunctionCall(
            id: entry.id, method: .init(request.method) ?? .post, path: request.path, headers: headers,
            body: RequestBody(buffer: ByteBuffer(bytes: request.body)), length: request.body.count)
        do {
            let answer = try await execute(entry.function, call)
            let body = try await AnswerCollector.bytes(of: answer.body, upTo: CallResult.mostBytes)
            return CallOutcome(answer, body: body)
        } catch let error as HubError {
            return CallOutcome(error, callId: entry.id)
        } catch {
            let message = "The answer broke off."
            return CallOutcome(HubError(502, "instance_died", message, retryable: true), callId: entry.id)
        }
    }

    /// Notes how an attempt ended, unless the call was canceled meanwhile; does what follows.
    private func settle(_ begun: CallEntry, _ result: CallResult?, _ change: (inout CallEntry) -> Void) async {
        guard var entry = live[begun.id], entry.state == .running else { return }
        change(&entry)
        await keep([(entry, entry.state.hasEnded ? result : nil)])
        // Not if it was canceled while it was stored.
        guard live[entry.id]?.revision == entry.revision else { return }
        if entry.state.hasEnded {
            ended(entry)
        } else if !closing {
            lines.add(entry.id, to: entry.function, due: entry.due)
        }
    }

    /// Gives calls up whose function is gone; they are in no line any more.
    func bury(_ ids: [String]) async {
        let now = options.now()
        var buried: [(entry: CallEntry, result: CallResult?)] = []
        for id in ids {
            guard var entry = live[id], entry.state == .queued else { continue }
            let gone = HubError(404, "not_found", "The function \(entry.function) was deleted.")
            entry.bury(gone, at: now)
            buried.append((entry, Self.result(of: gone, entry)))
        }
        if buried.isEmpty { return }
        await keep(buried)
        for (entry, _) in buried { ended(entry) }
        kick()
    }

    /// A call has ended, and that is stored.
    private func ended(_ entry: CallEntry) {
        counts.count(entry.function, entry.state)
        free(entry)
        if entry.isOpen { callbackLines.add(entry.id, to: entry.function) } else { live[entry.id] = nil }
    }

    /// Stores what has happened, if need be by waiting for the disk. At the hub's end it tries once: what is not stored
    /// then happens again.
    /// - Returns: false if it is not stored.
    @discardableResult func keep(_ news: [(entry: CallEntry, result: CallResult?)]) async -> Bool {
        for (entry, _) in news {
            live[entry.id] = entry
            storing[entry.id] = entry.revision
        }
        while true {
            do {
                try await commits.commit(news.map { .update($0.entry, $0.result) })
                for (entry, _) in news where storing[entry.id] == entry.revision { storing[entry.id] = nil }
                return true
            } catch {
                logger.error("The end of an asynchronous call cannot be stored: \(error)")
                if closing { return false }
                // Also when the task is cancelled: this is not part of what was cancelled.
                let pause = Task { try? await Task.sleep(for: .seconds(options.diskPatience)) }
                await pause.value
            }
        }
    }

    private static func result(of error: HubError, _ entry: CallEntry) -> CallResult {
        CallOutcome(error, callId: entry.id).result
    }
}

extension HTTPField.Name {
    /// Number of the attempt, from 1.
    static let attempt = HTTPField.Name("X-Osiris-Attempt") ?? .contentType
}
