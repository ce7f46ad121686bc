import Foundation

/// A program that is run to its end.
enum Command {
    struct Result: Sendable {
        /// Exit status, or 128 and the number of the signal.
        var status: Int32
        /// What it wrote, both streams in their order.
        var output: String
        /// The last line, for messages.
        var problem: String { output.split(whereSeparator: \.isNewline).last.map(String.init) ?? "no output" }
    }

    /// Looks `name` up in PATH and waits for its end without holding a thread.
    static func run(_ name: String, _ arguments: [String]) async throws -> Result {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
            .split(separator: ":")
        guard let program = folders.map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile) else {
            throw HubFolderError("there is no program \(name) in PATH")
        }
        let output = FileManager.default.temporaryDirectory.path + "/osiris-" + UUID().uuidString
        defer { unlink(output) }
        let pid = try Spawn.detached(program, arguments, folder: "/", output: output)
        var status: CInt = 0
        while true {
            let ended = waitpid(pid, &status, WNOHANG)
            if ended == pid { break }
            if ended < 0 && errno != EINTR { throw HubFolderError(errno: "\(name) cannot be waited for") }
            await Pause.uncancelled(.milliseconds(10))
        }
        let text = FileManager.default.contents(atPath: output).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return Result(status: status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f), output: text)
    }
}
