import ArgumentParser
import Foundation
import Logging
import OsirisHub

/// `osiris-hub`: serves the functions of one data folder.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "osiris-hub", abstract: "Runs functions and routes calls to them.",
        subcommands: [Serve.self, Version.self, Reap.self])
}

/// `osiris-hub serve --data DIR`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve until SIGTERM or SIGINT.")

    @Option(help: "The data folder. It holds hub.json, which the provisioner writes.")
    var data: String

    @Option(help: "How the hub's own log, on standard error, is written: text, or one JSON object for each line.")
    var logFormat = LogFormat.text

    @Flag(help: "End also when standard input ends: for a hub that must not outlive who started it.")
    var untilInputEnds = false

    func run() async throws {
        switch logFormat {
        case .text: LoggingSystem.bootstrap(StreamLogHandler.standardError)
        case .json: LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        }
        // A write to a process or a client that is gone is an error, not the end.
        signal(SIGPIPE, SIG_IGN)
        // So is a write to a file that may not grow.
        signal(SIGXFSZ, SIG_IGN)
        // Functions run as users of their own and must be able to read their files. What is private says so itself.
        umask(0o022)
        let (signals, heard) = AsyncStream.makeStream(of: Int32.self)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { heard.yield(number) }
            source.resume()
            return source
        }
        if untilInputEnds {
            Thread.detachNewThread {
                _ = try? FileHandle.standardInput.readToEnd()
                heard.yield(SIGTERM)
            }
        }
        let logger = Logger(label: "osiris-hub")
        let hub = Hub(folder: data, logger: logger)
        do {
            _ = try await hub.start()
        } catch let failure as StartFailure {
            FileHandle.standardError.write(Data("osiris-hub: \(failure)\n".utf8))
            throw ExitCode(1)
        }
        let guardian = await startGuard(logger)
        for await _ in signals { break }
        await hub.stop()
        guardian?.dismiss()
        withExtendedLifetime(sources) {}
    }
}

enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

extension Serve {
    /// Without one the hub still works: the next one on this folder kills the leftovers at its start.
    private func startGuard(_ logger: Logger) async -> Guard? {
        do {
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return try await Guard.start(program: program, folder: URL(fileURLWithPath: data).path)
        } catch {
            logger.warning("There is no guard for the case that the hub is killed: \(error)")
            return nil
        }
    }
}

/// `osiris-hub reap --data DIR`, run by the guard.
struct Reap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Kill the function processes that a killed hub left behind.", shouldDisplay: false)

    @Option(help: "The data folder.")
    var data: String

    func run() async throws { _ = try await Guard.reap(folder: data) }
}

/// `osiris-hub version`.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() { print("osiris-hub \(HubVersion.current)") }
}
