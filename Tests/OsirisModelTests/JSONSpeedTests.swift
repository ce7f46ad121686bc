import Foundation
import OsirisModel
import Testing

/// Prints how fast the codec is; run with OSIRIS_BENCH=1 on a release build.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["OSIRIS_BENCH"] != nil))
struct JSONSpeedTests {
    @Test func tenThousandResources() throws {
        let documents = (0..<10_000).map { number in
            Value.map([
                "name": "hello", "namespace": "demo", "runtime": "python3", "alwaysOn": true,
                "scale": ["min": 1], "limits": ["timeout": 10_000, "memory": 134_217_728],
                "env": ["GREETING": .string("hi \(number)")], "handler": "hello.handle",
                "source": .string("sha256:" + String(repeating: "ab", count: 32)), "version": .int(number),
            ])
        }
        let clock = ContinuousClock()
        /// The best of ten, because other programs share the machine.
        func best(_ body: () throws -> Void) rethrows -> Duration {
            try (0..<10).map { _ in try clock.measure(body) }.min() ?? .zero
        }
        let bytes = documents.map { $0.json() }
        let size = Double(bytes.reduce(0) { $0 + $1.count })
        #expect(try bytes.map { try Value(json: $0) } == documents)
        let writing = best { for document in documents { _ = document.json() } }
        let reading = try best { for document in bytes { _ = try Value(json: document) } }
        let foundation = try best {
            for document in bytes { _ = try JSONSerialization.jsonObject(with: Data(document)) }
        }
        func rate(_ time: Duration) -> String { "\(time), \(Int(size / 1e6 / (time / .seconds(1)))) MB/s" }
        print("JSON of \(Int(size)) bytes: write \(rate(writing)); read \(rate(reading))")
        print("JSONSerialization read: \(rate(foundation))")
    }
}
