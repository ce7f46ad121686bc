import Foundation
import Logging
import OsirisModel

/// The hub's own log as JSON lines on standard error: `time`, `level`, `message`, `logger`, and what belongs to it under
/// `data`. For `osiris-hub serve --log-format json`.
public struct JSONLogHandler: LogHandler {
    public var logLevel = Logger.Level.info
    public var metadata = Logger.Metadata()
    private let label: String
    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: takes one line with its line break, in one piece.
    public init(label: String, write: @escaping @Sendable ([UInt8]) -> Void = JSONLogHandler.standardError) {
        self.label = label
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var data = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { data["error"] = "\(error)" }
        var fields: [String: Value] = [
            "time": .string(LogLine.timestamp(Date().timeIntervalSince1970)), "level": .string(event.level.rawValue),
            "message": .string("\(event.message)"), "logger": .string(label),
        ]
        if !data.isEmpty { fields["data"] = .map(data.mapValues { .string("\($0)") }) }
        write(Value.map(fields).plainJSON() + [0x0A])
    }

    /// One write for a line, so that lines of several threads do not mix.
    public static let standardError: @Sendable ([UInt8]) -> Void = { line in
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
