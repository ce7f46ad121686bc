import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisEngine

/// Asks the person at the terminal whether a plan may run.
struct Approval {
    private let console: Console
    private let control: ApplyControl

    init(_ console: Console, _ control: ApplyControl) {
        self.console = console
        self.control = control
    }

    /// - Parameters:
    ///   - question: ends with a question mark.
    ///   - alone: what to do where nobody can be asked.
    /// - Throws: a `Diagnostic` if nobody can be asked; `ExitCode` for a no and for Ctrl-C.
    func ask(
        _ question: String = "Apply these changes?",
        alone: String = "add --auto-approve, or save the plan with `osiris plan --out FILE` and apply that"
    ) async throws {
        guard isatty(STDIN_FILENO) == 1 && !console.json else {
            throw Diagnostic(
                .usage, "nobody is there to approve the plan", help: alone)
        }
        console.out("\(question) Only `yes` is taken: ")
        let (answers, input) = AsyncStream.makeStream(of: String?.self)
        await control.attach(notify: { _ in input.finish() }, cancel: {})
        // Reading blocks: on a thread of its own, so that Ctrl-C is heard meanwhile.
        Thread.detachNewThread {
            input.yield(readLine())
            input.finish()
        }
        for await answer in answers {
            if answer == "yes" { return }
            console.line("Nothing was changed.")
            throw Exit.failed
        }
        console.line("\nInterrupted before anything was changed.")
        throw Exit.interrupted
    }
}
