/// Which call is next. Each function has a line of its own, first come first served; functions take turns. Plain.
struct CallLines {
    private struct Line {
        /// Ids that may run now; those before `head` have had their turn.
        var ready: [String] = []
        var head = 0
        /// Ids that may not run yet, the first due at the end.
        var later: [(due: Double, id: String)] = []
        var running = 0

        var waiting: Int { ready.count - head + later.count }
    }

    private var lines: [FunctionName: Line] = [:]
    /// Whose turn it is, first come first.
    private var turns: [FunctionName] = []

    /// Functions with a call that waits or runs.
    var functions: [FunctionName] { turns }

    /// How many of a function wait.
    func waiting(_ function: FunctionName) -> Int { lines[function]?.waiting ?? 0 }

    /// The earliest time at which a call may run that may not yet.
    var nextDue: Double? { lines.values.compactMap { $0.later.last?.due }.min() }

    /// - Parameter due: when it may run; 0 for now.
    mutating func add(_ id: String, to function: FunctionName, due: Double = 0) {
        var line = lines[function] ?? Line()
        if lines[function] == nil { turns.append(function) }
        if due == 0 {
            line.ready.append(id)
        } else {
            let index = line.later.firstIndex { $0.due <= due } ?? line.later.endIndex
            line.later.insert((due, id), at: index)
        }
        lines[function] = line
    }

    /// Takes one call out of turn.
    mutating func remove(_ id: String, of function: FunctionName) {
        guard var line = lines[function] else { return }
        if let index = line.ready[line.head...].firstIndex(of: id) { line.ready.remove(at: index) }
        line.later.removeAll { $0.id == id }
        put(line, function)
    }

    /// Takes every waiting call of a function.
    mutating func removeAll(of function: FunctionName) -> [String] {
        guard var line = lines[function] else { return [] }
        let ids = line.ready[line.head...] + line.later.reversed().map(\.id)
        (line.ready, line.head, line.later) = ([], 0, [])
        put(line, function)
        return Array(ids)
    }

    /// Takes the next call that may run; the caller says `done` when it no longer does.
    /// - Parameter most: how many of a function may run at once.
    mutating func next(now: Double, most: (FunctionName) -> Int) -> (id: String, function: FunctionName)? {
        for (turn, function) in turns.enumerated() {
            guard var line = lines[function], line.running < most(function) else { continue }
            while let first = line.later.last, first.due <= now {
                line.ready.append(first.id)
                line.later.removeLast()
            }
            guard line.head < line.ready.count else {
                lines[function] = line
                continue
            }
            let id = line.ready[line.head]
            line.head += 1
            line.running += 1
            // Rarely, so that taking one costs the same however many wait.
            if line.head > 64, line.head * 2 > line.ready.count {
                line.ready.removeFirst(line.head)
                line.head = 0
            }
            lines[function] = line
            turns.append(turns.remove(at: turn))
            return (id, function)
        }
        return nil
    }

    /// A call that `next` gave does not run any more.
    mutating func done(_ function: FunctionName) {
        guard var line = lines[function] else { return }
        line.running -= 1
        put(line, function)
    }

    private mutating func put(_ line: Line, _ function: FunctionName) {
        if line.waiting == 0, line.running == 0 {
            lines[function] = nil
            turns.removeAll { $0 == function }
        } else {
            lines[function] = line
        }
    }
}
