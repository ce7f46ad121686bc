import Foundation
import Testing

@testable import OsirisHub

/// The metrics as Prometheus's own parser reads them.
@Suite struct MetricsTests {
    /// What `prometheus_client` makes of a text: lines of name, labels and value, or its complaint.
    private static func parse(_ text: String) async throws -> [String] {
        let script = """
            import sys
            from prometheus_client.parser import text_string_to_metric_families
            for family in text_string_to_metric_families(sys.stdin.read()):
                for s in family.samples:
                    labels = ",".join(k + "=" + v for k, v in sorted(s.labels.items()))
                    print(family.type, s.name, "{" + labels + "}", float(s.value))
            """
        let file = NSTemporaryDirectory() + "osiris-metrics-" + UUID().uuidString
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        defer { unlink(file) }
        return try await BlockingWork.run {
            let python = Process()
            python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            python.arguments = ["python3", "-c", script]
            python.standardInput = FileHandle(forReadingAtPath: file)
            let output = Pipe()
            python.standardOutput = output
            try python.run()
            let bytes = output.fileHandleForReading.readDataToEndOfFile()
            python.waitUntilExit()
            #expect(python.terminationStatus == 0, "make test-tools")
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    @Test func prometheusReadsThem() async throws {
        try await TestHub.with { hub in
            let code = "def handle(bad=False):\n    if bad: raise ValueError()\n    return 1\n"
            _ = try await hub.client.put(.python("f", code))
            for _ in 0..<2 { #expect(try await hub.client.call("f").status == 200) }
            #expect(try await hub.client.call("f", #"{"bad":true}"#).status == 500)
            let samples = try await Self.parse(try await hub.client.send("GET", "/metrics", token: "read").text)
            let expected = [
                "counter gateway_function_invocation_total {code=200,function_name=f.demo} 2.0",
                "counter gateway_function_invocation_total {code=500,function_name=f.demo} 1.0",
                "histogram gateway_functions_seconds_bucket {code=200,function_name=f.demo,le=+Inf} 2.0",
                "histogram gateway_functions_seconds_count {code=200,function_name=f.demo} 2.0",
                "gauge gateway_service_count {function_name=f.demo} 1.0",
                "gauge osiris_function_running_calls {function_name=f.demo} 0.0",
                "gauge osiris_instances {function_name=f.demo,state=free} 1.0",
                "gauge osiris_instances {function_name=f.demo,state=busy} 0.0",
                "gauge osiris_instances {function_name=f.demo,state=starting} 0.0",
                "counter osiris_function_restarts_total {function_name=f.demo} 0.0",
                "gauge osiris_build_info {version=\(HubVersion.current)} 1.0",
            ]
            for line in expected { #expect(samples.contains(line), "\(line)") }
            let bounds = samples.filter { $0.contains("seconds_bucket {code=200") }
                .compactMap { $0.split(separator: "le=").last?.prefix { $0 != "}" } }
            #expect(bounds == ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"])
            func value(_ name: String) -> Double? {
                samples.first { $0.contains(" \(name) ") }?.split(separator: " ").last.flatMap { Double($0) }
            }
            let started = try #require(value("process_start_time_seconds"))
            #expect(started > 1_700_000_000 && started <= Date().timeIntervalSince1970 + 1)
            #expect(try #require(value("process_resident_memory_bytes")) > 1_000_000)
            #expect(try #require(value("process_cpu_seconds_total")) > 0)
            #expect(try #require(value("process_open_fds")) > 3)
            // A deployment takes nothing away.
            _ = try await hub.client.put(.python("f", code + "\n"))
            try await hub.client.wait(for: "f", "updated") { $0.servingVersion == 2 && $0.ready }
            let after = try await Self.parse(try await hub.client.send("GET", "/metrics").text)
            #expect(after.contains(expected[0]) && after.contains(expected[1]))
            #expect(after.contains { $0.hasPrefix("counter osiris_function_restarts_total") })
        }
    }

    @Test func labelsAreEscaped() async throws {
        var counts = Metrics.Counts()
        counts.restarts[#"a"b\c"# + "\nd"] = 1
        let samples = try await Self.parse(MetricsText.of(counts, [:], followers: 0, nil))
        #expect(samples.contains { $0.contains(#"a"b\c"#) })
    }
}
