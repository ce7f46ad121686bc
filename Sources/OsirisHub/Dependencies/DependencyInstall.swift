import Foundation
import Synchronization

/// One run of an installer, bounded in time and in what it writes.
struct DependencyInstall: Sendable {
    let command: ChildProcess.Command
    let limit: Duration
    /// What it fills, whose size is watched; nil for nothing.
    let folder: String?
    /// Gets what it says; nil to keep the last line of its stdout.
    var log: (any LogSink)?

    private struct Said {
        var started = false
        var output = ""
        var last = ""
        var verdict: String?
    }

    /// - Throws: `StartFailure` with its last word.
    func run() async throws { _ = try await end() }

    /// The last line on its stdout.
    /// - Throws: `StartFailure`.
    func output() async throws -> String { try await end().output }

    private func end() async throws -> Said {
        let (ends, ended) = AsyncStream.makeStream(of: ProcessEnd.self)
        let (process, pipes) = try await ChildProcess.launch(command) { end in
            ended.yield(end)
            ended.finish()
        }
        close(pipes.input)
        let said = Mutex(Said())
        let id = Instance.newID()
        let log = log
        @Sendable func hear(_ line: [UInt8], isOutput: Bool) -> Double {
            let isNews = said.withLock { said in
                // What the sandbox says before the program is started.
                if isOutput, !said.started, line == Sandbox.started {
                    said.started = true
                    return false
                }
                if !line.isEmpty { said.last = String(decoding: line, as: UTF8.self) }
                if isOutput, !line.isEmpty { said.output = said.last }
                return true
            }
            // A flood waits as that of a function does.
            return isNews ? log?.append(line, Redaction(), instance: id, call: nil) ?? 0 : 0
        }
        let output = try await PipeLines.follow(pipes.output, limit: 4096) { hear($0, isOutput: true) }
        let errors = try await PipeLines.follow(pipes.error, limit: 4096) { hear($0, isOutput: false) }
        let watch = Task { [folder, limit] in
            let deadline = ContinuousClock.now + limit
            while !Task.isCancelled {
                let size = folder == nil ? 0 : await Self.size(of: folder ?? "")
                var verdict: String?
                if ContinuousClock.now > deadline { verdict = "it took longer than \(limit)" }
                if size > DependencyCache.mostBytes {
                    verdict = "it wrote more than \(DependencyCache.mostBytes) bytes"
                }
                if let verdict {
                    said.withLock { $0.verdict = verdict }
                    return process.signal(SIGKILL)
                }
                try await Task.sleep(for: .seconds(1))
            }
        }
        var end = ProcessEnd.code(0)
        for await status in ends { end = status }
        watch.cancel()
        for channel in [output, errors] {
            // Somebody it left behind may hold them open.
            let cut = Task {
                try await Task.sleep(for: .milliseconds(500))
                channel.close(promise: nil)
            }
            try? await channel.closeFuture.get()
            cut.cancel()
        }
        let all = said.withLock { $0 }
        guard end == .code(0) else {
            let what =
                log == nil ? "The runtime cannot be asked for its version" : "Its dependencies cannot be installed"
            throw StartFailure(
                "\(what): \(all.verdict ?? "\(end)\(all.last.isEmpty ? "" : ": \(all.last.prefix(500))")")")
        }
        return all
    }

    private static func size(of folder: String) async -> Int {
        (try? await BlockingWork.run {
            (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).reduce(0) {
                sum, name in
                var info = stat()
                return lstat("\(folder)/\(name)", &info) == 0 ? sum + Int(info.st_blocks) * 512 : sum
            }
        }) ?? 0
    }
}
