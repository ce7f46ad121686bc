import OsirisTransport

/// Asks EC2 for all objects of one kind that carry a cluster's mark, and shares the answers.
///
/// Whoever asks while a listing runs waits for the next one, which begins after the question; all who wait share it. So many
/// reads, creates and waits at once cost one call for each page, not one for each object.
actor Listings {
    struct Question: Hashable, Sendable {
        var kind: EC2Kind
        var place: AWSPlace
        var cluster: String
    }

    private struct Listing {
        var task: Task<[XMLNode], any Error>
        var progress: SharedProgress
    }

    private struct Line {
        var running: Listing?
        var next: Listing?
        var last: (items: [XMLNode], at: ContinuousClock.Instant)?
    }

    private var lines: [Question: Line] = [:]
    private let ask: @Sendable (Question) async throws -> [XMLNode]

    init(_ ask: @escaping @Sendable (Question) async throws -> [XMLNode]) { self.ask = ask }

    /// An answer that is newer than the question.
    /// - Parameter pause: how long to wait for others who ask the same, or for the objects to change.
    func fresh(_ question: Question, pause: Duration = .milliseconds(5)) async throws -> [XMLNode] {
        if let next = lines[question]?.next {
            next.progress.join()
            return try await next.task.value
        }
        let running = lines[question]?.running
        let progress = SharedProgress()
        progress.join()
        // Who waits for its turn waits for what the one before it waits for.
        running?.progress.join(progress.progress)
        // Shared by tasks that may be cancelled one by one, so it is none of theirs.
        let task = Task {
            _ = await running?.task.result
            try? await Task.sleep(for: pause)
            begin(question)
            do {
                let start = ContinuousClock.now
                let items = try await AWSClient.$progress.withValue(progress.progress) { try await ask(question) }
                return end(question, items, start)
            } catch {
                lines[question]?.running = nil
                throw error
            }
        }
        lines[question, default: Line()].next = Listing(task: task, progress: progress)
        return try await task.value
    }

    /// The last answer; asks if there is none, or if it is older than that. Time goes on while the machine sleeps.
    func known(_ question: Question, within age: Duration? = nil) async throws -> [XMLNode] {
        if let last = lines[question]?.last, age.map({ ContinuousClock.now - last.at < $0 }) ?? true {
            return last.items
        }
        return try await fresh(question)
    }

    private func begin(_ question: Question) {
        guard var line = lines[question] else { return }
        (line.running, line.next) = (line.next, nil)
        lines[question] = line
    }

    private func end(_ question: Question, _ items: [XMLNode], _ start: ContinuousClock.Instant) -> [XMLNode] {
        lines[question]?.running = nil
        lines[question]?.last = (items, start)
        return items
    }
}
