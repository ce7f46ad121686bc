import Foundation
import HTTPTypes

// Tells callers how their calls ended.
extension AsyncCalls {
    func beginCallback(_ id: String, _ function: FunctionName) {
        guard let entry = live[id], let callback = entry.callback, callback.state == .pending else {
            return callbackLines.done(function)
        }
        callbacks[id] = Task {
            await self.callBack(entry, callback)
            self.callbacks[id] = nil
            self.callbackLines.done(function)
            self.kick()
        }
    }

    private func callBack(_ entry: CallEntry, _ callback: CallEntry.Callback) async {
        let result: CallResult?
        do { result = try await store.result(entry.id) } catch {
            logger.error("A result cannot be read: \(error)", metadata: ["call": "\(entry.id)"])
            return callbackLines.add(entry.id, to: entry.function, due: options.now() + options.diskPatience)
        }
        let outcome = await delivery.post(Self.message(entry, callback, result))
        // The hub ends: what became of it is not known, so it is sent again.
        if Task.isCancelled { return }
        var told = entry
        told.calledBack(
            outcome, at: options.now(), options.schedule, jitter: options.jitter(), most: options.mostCallbacks)
        await keep([(told, nil)])
        if told.isOpen {
            callbackLines.add(told.id, to: told.function, due: told.callback?.due ?? 0)
        } else {
            live[told.id] = nil
        }
    }

    static func message(
        _ entry: CallEntry, _ callback: CallEntry.Callback, _ result: CallResult?
    ) -> Delivery.Message {
        let started = Int((entry.started ?? entry.created) * 1_000_000_000)
        return Delivery.Message(
            url: callback.url,
            headers: [
                ("X-Call-Id", entry.id), ("X-Duration-Seconds", String(format: "%.6f", entry.seconds ?? 0)),
                ("X-Start-Time", String(started)), ("X-Function-Status", String(entry.status ?? 0)),
                ("X-Function-Name", entry.function.description),
            ],
            contentType: result?.headers[.contentType] ?? "application/octet-stream", body: result?.body ?? [])
    }
}
