import ArgumentParser
import Foundation
import Logging
import OsirisHub

/// `osiris-hub`: serves the functions of one data folder.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "osiris-hub", abstract: "Runs functions and routes calls to them.",
        subcommands: [Serve.self, Version.self])
}

/// `osiris-hub serve --data DIR`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve until SIGTERM or SIGINT.")

    @Option(help: "The data folder. It holds hub.json, which the provisioner writes.")
    var data: String

    func run() async throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        // A write to a process or a client that is gone is an error, not the end.
        signal(SIGPIPE, SIG_IGN)
        let (signals, heard) = AsyncStream.makeStream(of: Int32.self)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { heard.yield(number) }
            source.resume()
            return source
        }
        let hub = Hub(folder: data, logger: Logger(label: "osiris-hub"))
        do {
            _ = try await hub.start()
        } catch let failure as StartFailure {
            FileHandle.standardError.write(Data("osiris-hub: \(failure)\n".utf8))
            throw ExitCode(1)
        }
        for await _ in signals { break }
        await hub.stop()
        withExtendedLifetime(sources) {}
    }
}

/// `osiris-hub version`.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() { print("osiris-hub \(HubVersion.current)") }
}
