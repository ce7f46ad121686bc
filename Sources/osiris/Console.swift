import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisRender
import Synchronization

/// Standard output and error of a command: knows whether a person or a program reads.
struct Console: Sendable {
    /// The user asked for JSON.
    let json: Bool
    let color: Bool
    let isTerminal: Bool
    /// The manifest's text, so that every fault, however late, is shown on its line.
    let manifest = ManifestTexts()
    /// Columns of the terminal at this moment, 80 when there is none.
    var width: Int {
        var size = winsize()
        let known = isTerminal && ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return known ? Int(size.ws_col) : 80
    }

    init(_ options: OutputOptions) {
        json = options.json
        isTerminal = isatty(STDOUT_FILENO) == 1
        let environment = ProcessInfo.processInfo.environment
        color =
            isTerminal && !options.noColor && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// Says every five seconds on standard error that `body` is still at work: nothing waits in silence.
    func reminding<Result>(_ work: String, _ body: () async throws -> Result) async rethrows -> Result {
        let reminder = Task {
            while (try? await Task.sleep(for: .seconds(5))) != nil { note("still \(work) …") }
        }
        defer { reminder.cancel() }
        return try await body()
    }

    /// One diagnostic within other text, with its manifest line.
    func excerpt(_ diagnostic: Diagnostic) -> String {
        DiagnosticRenderer.text([diagnostic], sources: manifest.texts, color: color, count: false)
    }

    var style: TextStyle { TextStyle(color: color, width: width) }

    func out(_ text: String) { Self.write(text, to: STDOUT_FILENO) }

    /// What a hub or a function wrote, as it is.
    func out(_ bytes: [UInt8]) { Self.write(bytes, to: STDOUT_FILENO) }

    func line(_ text: String) { out(text + "\n") }

    func note(_ text: String) { Self.write(text + "\n", to: STDERR_FILENO) }

    /// Diagnostics go to standard error; as JSON lines they go to standard output, where the program listens.
    func report(_ diagnostics: [Diagnostic]) {
        let sorted = diagnostics.sortedForDisplay()
        if sorted.isEmpty { return }
        if json {
            for diagnostic in sorted { line(DiagnosticRenderer.json(diagnostic)) }
        } else {
            let colored = color && isatty(STDERR_FILENO) == 1
            Self.write(DiagnosticRenderer.text(sorted, sources: manifest.texts, color: colored), to: STDERR_FILENO)
        }
    }

    /// One write for each call, so that lines of several tasks do not mix. A closed pipe is not an error of ours.
    private static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            if written <= 0 { return }
            offset += written
        }
    }
}

/// Manifest files by name, once they are read.
final class ManifestTexts: Sendable {
    private let files = Mutex<[String: String]>([:])

    var texts: [String: String] {
        get { files.withLock { $0 } }
        set { files.withLock { $0 = newValue } }
    }
}

/// The documented exit codes.
enum Exit {
    static let failed = ExitCode(1)
    static let changesPending = ExitCode(2)
    static let manifestInvalid = ExitCode(3)
    static let refused = ExitCode(4)
    static let interrupted = ExitCode(130)

    /// The code for a set of diagnostics, the gravest class first.
    static func code(for diagnostics: [Diagnostic]) -> ExitCode {
        let codes = diagnostics.filter { $0.severity == .error }.map(\.code)
        let refusals: Set<DiagnosticCode> = [
            .stalePlan, .stateLocked, .deleteLimit, .protectedResource, .emptyCluster, .lockLost, .stateNotEmpty,
            .stateMoved, .stateMigration,
        ]
        if codes.contains(where: refusals.contains) { return refused }
        // Two faults of a manifest show only when its providers have expanded it.
        let expanded: Set<DiagnosticCode> = [.portConflict, .duplicateAddress]
        let manifest = codes.contains {
            expanded.contains($0) || ["0", "1", "2"].contains($0.rawValue.dropFirst(4).prefix(1))
        }
        return manifest ? manifestInvalid : failed
    }
}

extension Console {
    /// Runs a command's body; diagnostics that end it are shown and become the exit code.
    func run(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as DiagnosticsError {
            report(error.diagnostics)
            throw Exit.code(for: error.diagnostics)
        } catch let error as Diagnostic {
            report([error])
            throw Exit.code(for: [error])
        }
    }
}
