import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import Testing

@Suite("YAML")
struct YAMLTests {
    /// What a scalar becomes where any value may stand.
    private func value(_ text: String) -> Value? {
        load(
            text: manifest("  functions:\n  - {name: a, runtime: command, command: [x], smoke: {input: \(text)}}\n")
        ).cluster?.functions[0].smoke?.input
    }

    @Test(
        "plain scalars follow the core schema",
        arguments: [
            ("null", .null), ("Null", .null), ("NULL", .null), ("~", .null), ("nULL", "nULL"),
            ("true", true), ("True", true), ("TRUE", true), ("tRUE", "tRUE"), ("false", false), ("False", false),
            ("FALSE", false), ("yes", "yes"), ("No", "No"), ("on", "on"), ("OFF", "OFF"), ("y", "y"),
            ("0", 0), ("012", 12), ("-7", -7), ("+7", 7), ("0o17", 15), ("0x1F", 31), ("0o8", "0o8"), ("0xG", "0xG"),
            ("-0x1", "-0x1"), ("1_000", "1_000"), ("0b1", "0b1"), ("9223372036854775807", .int(.max)),
            ("1.5", .double(1.5)), (".5", .double(0.5)), ("5.", .double(5)), ("1e3", .double(1000)),
            ("-1.5E-2", .double(-0.015)), ("1e", "1e"), ("1.2.3", "1.2.3"), (".", "."), ("-", "-"), ("+", "+"),
            ("12:30:45", "12:30:45"), ("2026-01-01", "2026-01-01"), ("0.0", .double(0)), ("e3", "e3"),
            ("\"true\"", "true"), ("'12'", "12"), ("!!str 12", "12"), ("!!int \"12\"", 12), ("!!float 1", .double(1)),
            ("! 12", "12"), ("1.", .double(1)), ("+.5", .double(0.5)), ("-.inf2", "-.inf2"),
        ] as [(String, Value)])
    func scalars(text: String, expected: Value) {
        // A lone dash and the like are YAML syntax in flow context, so they are quoted by the table's meaning.
        let written = text == "-" ? "\"-\"" : text
        #expect(value(written) == expected)
    }

    @Test("numbers that JSON lacks are refused", arguments: [".inf", "-.INF", ".NaN", "123456789012345678901"])
    func refused(text: String) { #expect(value(text) == nil) }

    @Test("line breaks and the byte order mark change nothing", arguments: ["\r\n", "\r"])
    func lineBreaks(lineBreak: String) throws {
        let text = manifest("  hub:\n    port: 1234\n")
        let loaded = load(text: "\u{FEFF}" + text.replacing("\n", with: lineBreak))
        #expect(loaded.cluster?.hub.port == 1234)
        #expect(loaded.lineCount == 6)
        #expect(loaded.cluster?.hub.spans["port"].start == SourcePosition(line: 6, column: 11))
    }

    @Test("a scalar of one megabyte")
    func large() throws {
        let long = String(repeating: "äb ", count: 350_000) + "end"
        let text = manifest(
            "  functions:\n  - {name: a, runtime: command, command: [echo, \"\(long)\"], colour: red}\n")
        let loaded = load(text: text)
        #expect(codes(loaded) == ["OSR0101"])
        #expect(loaded.diagnostics[0].span?.start.column ?? 0 > 1_000_000)
        let rendered = DiagnosticRenderer.text(loaded.diagnostics, sources: loaded.sources)
        #expect(rendered.utf8.count < 1500)
        #expect(rendered.contains("colour: red"))
    }

    @Test("aliases of aliases are bounded, also under merge keys and quickly")
    func bombs() {
        var text = "a0: &a0 {x: 1, y: 2, z: 3, p: 4, q: 5}\n"
        for level in 1...12 {
            let aliases = (0..<10).map { "k\($0): *a\(level - 1)" }.joined(separator: ", ")
            text += "a\(level): &a\(level) {<<: *a\(level - 1), \(aliases)}\n"
        }
        let time = processorSeconds { #expect(codes(load(text: text)) == ["OSR0005"]) }
        #expect(time < 5)
    }

    @Test("nesting is bounded in flow and block style")
    func depth() {
        let flow = manifest("  x: " + String(repeating: "[", count: 100_000))
        #expect(codes(load(text: flow)) == ["OSR0005"])
        let block = (0..<300).map { String(repeating: " ", count: $0) + "k:\n" }.joined()
        #expect(codes(load(text: block)) == ["OSR0005"])
    }

    @Test("ninety levels of nesting are fine, all the way to the model")
    func deepValue() {
        let deep = String(repeating: "[", count: 45) + String(repeating: "{a: ", count: 45)
        let close = String(repeating: "}", count: 45) + String(repeating: "]", count: 45)
        #expect(value(deep + "x" + close) != nil)
    }

    /// What this thread alone has worked: the machine may do other things meanwhile.
    private func processorSeconds(_ work: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        work()
        return now() - start
    }

    @Test("tabs may separate, but not indent")
    func tabs() {
        #expect(load(text: manifest("  hub:\n    port:\t1234\t# text\n")).cluster?.hub.port == 1234)
        #expect(codes(load(text: manifest("  hub:\n\t  port: 1234\n"))) == ["OSR0002"])
    }

    @Test("ten thousand lines are read in linear time")
    func linear() throws {
        func text(_ functions: Int) -> String {
            manifest("  functions:\n")
                + (0..<functions).map {
                    "  - name: f\($0)\n    runtime: command\n    command: [echo, \"\($0)\"]\n    env: {N: \($0), A: b}\n"
                        + "    limits: {timeout: 10s, memory: 128Mi}\n"
                }.joined()
        }
        func time(_ text: String) -> Double { processorSeconds { #expect(load(text: text).cluster != nil) } }
        let (small, large) = (text(2000), text(8000))
        #expect(load(text: small).lineCount > 10_000)
        let (first, second) = (time(small), time(large))
        #expect(second < first * 16, "2000 functions took \(first), 8000 took \(second)")
    }

    @Test("a mapping with many keys and many faults stays linear")
    func manyKeys() {
        let keys = 20_000
        let text = manifest(
            "  functions:\n  - name: a\n    runtime: command\n    command: [x]\n    env:\n"
                + (0..<keys).map { "        K\($0): ${var.none}\n" }.joined())
        let time = processorSeconds { #expect(load(text: text).diagnostics.count == keys) }
        #expect(time < 10)
    }
}
