import Foundation
import NIOCore
import Synchronization
import Testing

@testable import OsirisHub

/// Lines of the log and the calls that they belong to.
@Suite(.serialized) struct CallLogTests {
    private final class Kept: LogSink {
        struct Line: Hashable {
            var text: String
            var instance: String
            var call: String?
        }

        let lines = Mutex<[Line]>([])

        func append(_ line: [UInt8], _ redaction: Redaction, instance: String, call: String?) -> Double {
            lines.withLock {
                $0.append(Line(text: String(decoding: line, as: UTF8.self), instance: instance, call: call))
            }
            return 0
        }
    }

    private static let python = """
        import sys, threading
        print("imported")
        def handle(word):
            print("one", word)
            thread = threading.Thread(target=lambda: print("two", word, file=sys.stderr))
            thread.start()
            thread.join()
            sys.stdout.write("three " + word)
            return word
        """

    private static let node = """
        console.log("imported");
        exports.handle = async (word) => {
          console.log("one", word);
          await new Promise((done) => setTimeout(() => done(console.error("two", word)), 1));
          process.stdout.write("three " + word);
          return word;
        };
        """

    @Test(arguments: [("python3", "code.py", python), ("node", "code.js", node)])
    func aHundredCallsAtOnceKeepTheirLinesApart(_ runtime: String, _ file: String, _ code: String) async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let program = try #require(FunctionSpec.Runtime(rawValue: runtime)).program
        let starter = try #require(program.starter)
        try Data(starter.bytes).write(to: URL(fileURLWithPath: "\(folder)/\(starter.name)"))
        try Data(code.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
        let spec = FunctionSpec(
            name: .init(namespace: "n", name: "f"), runtime: .python3, handler: "code.handle")
        let words = program.words(spec, folder: folder, starter: "\(folder)/\(starter.name)")
        let command = ChildProcess.Command(
            program: "/bin/sh", arguments: ["-c", #"echo "osiris: started"; exec "$@""#, "sh"] + words,
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "OSIRIS_FUNCTION": "f", "OSIRIS_NAMESPACE": "n"],
            folder: folder)
        let kept = Kept()
        let ledger = InstanceLedger(data: DataFolder(path: folder))
        let pool = InstancePool(
            scale: .init(min: 0, max: 4), queueBound: 1000, events: .init(ready: {}, restarted: {}, coldStart: {})
        ) { _ in Instance(.init(command: command, wire: .http, outputBytes: 1000), log: kept, ledger: ledger) }
        let calls = try await withThrowingTaskGroup(of: Kept.Line.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let call = InstanceCall(
                        id: "c\(number)", method: .post, path: "/",
                        headers: [.callID: "c\(number)", .osirisVersion: "1"],
                        body: .whole(ByteBuffer(string: "[\"w\(number)\"]")))
                    let run = try await pool.call(call, waitUntil: .now + .seconds(60), timeout: .seconds(60))
                    guard case .end(.answered(_, let body)) = run.first else { throw CancellationError() }
                    return Kept.Line(text: String(buffer: body), instance: run.instance, call: call.id)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        // Each call's lines are there when its answer is.
        let lines = kept.lines.withLock { $0 }
        await pool.stop()
        var expected: [Kept.Line] = Set(calls.map(\.instance)).map { .init(text: "imported", instance: $0, call: nil) }
        for call in calls {
            let word = call.text.filter { $0 != "\"" }
            for number in ["one", "two", "three"] {
                expected.append(.init(text: "\(number) \(word)", instance: call.instance, call: call.call))
            }
        }
        let unused = lines.filter { line in !calls.contains { $0.instance == line.instance } }
        #expect(unused.allSatisfy { $0.text == "imported" })
        #expect(Set(lines).subtracting(unused) == Set(expected))
        #expect(lines.count == expected.count + unused.count)
    }
}
