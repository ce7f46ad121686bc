import Foundation
import OsirisModel

/// One line of a function's log. Plain.
///
/// In the file it is one JSON object on one line: `t` seconds since 1970 to the millisecond, `i` the instance, `c` the
/// call or absent, `m` the text.
struct LogLine: Sendable, Equatable {
    /// Seconds since 1970, UTC; nil for a line of a hub that kept no time.
    var time: Double?
    /// The instance that wrote it; nil for a note of the hub's own.
    var instance: String?
    /// The id of the call it was written in; nil outside of calls, and where that is not known.
    var call: String?
    var text: String

    init(time: Double?, instance: String? = nil, call: String? = nil, text: String) {
        self.time = time
        self.instance = instance
        self.call = call
        self.text = text
    }

    /// Reads a line of the file. One that is not such an object is a text of unknown time.
    init(kept line: some Collection<UInt8>) {
        guard line.first == UInt8(ascii: "{"), let fields = (try? Value(plainJSON: line))?.mapValue,
            let text = fields["m"]?.stringValue, let time = fields["t"]?.numberValue
        else {
            self.init(time: nil, text: String(decoding: line, as: UTF8.self))
            return
        }
        self.init(time: time, instance: fields["i"]?.stringValue, call: fields["c"]?.stringValue, text: text)
    }

    /// The line as the file has it, without a line break.
    var kept: [UInt8] {
        var fields: [String: Value] = ["m": .string(text)]
        if let time { fields["t"] = .double((time * 1000).rounded() / 1000) }
        if let instance { fields["i"] = .string(instance) }
        if let call { fields["c"] = .string(call) }
        return Value.map(fields).plainJSON()
    }

    /// The line as the API answers it, with the keys of OpenFaaS's log messages
    /// (https://docs.openfaas.com/architecture/logs-provider/) and `call`, without a line break.
    func message(of function: FunctionName) -> [UInt8] {
        let fields: [String: Value] = [
            "name": .string(function.name), "namespace": .string(function.namespace),
            "instance": instance.map(Value.string) ?? .null, "call": call.map(Value.string) ?? .null,
            "timestamp": time.map { .string(Self.timestamp($0)) } ?? .null, "text": .string(text),
        ]
        return Value.map(fields).plainJSON()
    }

    /// RFC 3339 with milliseconds, UTC.
    static func timestamp(_ time: Double) -> String {
        Date(timeIntervalSince1970: time).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}

/// Which lines of a log are wanted. Plain.
struct LogQuery: Sendable, Equatable {
    /// Most lines of what is there already, the newest.
    var tail = 100
    /// Only lines from this time on, seconds since 1970; nil for all. A line of unknown time is older than any.
    var since: Double?
    var call: String?
    var instance: String?

    func matches(_ line: LogLine) -> Bool {
        (call == nil || line.call == call) && (instance == nil || line.instance == instance)
            && (since.map { (line.time ?? 0) >= $0 } ?? true)
    }

    /// The wanted lines of a file's bytes, oldest first.
    func lines(in bytes: Data) -> [LogLine] {
        // A cheap look at the bytes first: few lines of many are of one call.
        let marks = [("c", call), ("i", instance)].compactMap { key, value in
            value.map { Data("\"\(key)\":\(Value.string($0).jsonText)".utf8) }
        }
        var found: [LogLine] = []
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().reversed() {
            if found.count >= tail { break }
            guard marks.allSatisfy({ line.range(of: $0) != nil }) else { continue }
            let line = LogLine(kept: line)
            if matches(line) { found.append(line) }
        }
        return found.reversed()
    }
}
