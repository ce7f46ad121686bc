import Dispatch
import Foundation
import OsirisModel
import Synchronization

/// Which calls a run made to the APIs of clouds. Counts every try, and writes each as a line of JSON to a file if it is
/// told to; neither holds parameters or answers.
public final class CallLog: Sendable {
    /// One try of a call.
    public struct Call: Sendable, Hashable {
        /// Of the cloud, such as `ec2`.
        public var service: String
        /// Such as `DescribeVpcs`.
        public var action: String
        public var region: String
        /// From 1.
        public var attempt: Int
        /// Of HTTP; nil if no answer came.
        public var status: Int?
        /// The service's name for the error; nil for none.
        public var code: String?
        public var duration: Duration

        public init(
            service: String, action: String, region: String, attempt: Int, status: Int?, code: String?,
            duration: Duration
        ) {
            self.service = service
            self.action = action
            self.region = region
            self.attempt = attempt
            self.status = status
            self.code = code
            self.duration = duration
        }
    }

    private let made = Mutex<[String: Int]>([:])
    private let path: String?
    private let queue = DispatchQueue(label: "osiris.calls")

    /// - Parameter path: the file to append to, made readable for its owner only; nil or empty for none. The program takes
    ///   it from `OSIRIS_CALL_LOG`.
    public init(path: String?) { self.path = path.flatMap { $0.isEmpty ? nil : $0 } }

    /// Tries by `service:action`, such as `ec2:DescribeVpcs`.
    public var counts: [String: Int] { made.withLock { $0 } }

    /// Returns once the line is written; a file that cannot be written changes nothing.
    public func note(_ call: Call) async {
        made.withLock { $0["\(call.service):\(call.action)", default: 0] += 1 }
        guard let path else { return }
        let line = Self.line(call)
        await withCheckedContinuation { done in
            queue.async {
                let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
                // One write, so that lines of several programs do not mix.
                if file >= 0 { line.withUnsafeBytes { _ = write(file, $0.baseAddress, $0.count) } }
                if file >= 0 { close(file) }
                done.resume()
            }
        }
    }

    private static func line(_ call: Call) -> [UInt8] {
        var fields: [String: Value] = [
            "time": .string(Date().formatted(.iso8601)), "service": .string(call.service),
            "action": .string(call.action), "region": .string(call.region), "attempt": .int(call.attempt),
            "milliseconds": .int(Int(call.duration / .milliseconds(1))),
        ]
        fields["status"] = call.status.map { .int($0) }
        fields["code"] = call.code.map { .string($0) }
        return Value.map(fields).plainJSON() + [UInt8(ascii: "\n")]
    }
}
