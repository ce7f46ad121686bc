import OsirisDiagnostics
import Testing

@Suite("Showing diagnostics")
struct RendererTests {
    private func span(_ line: Int, _ columns: Range<Int>, file: String = "a.yaml") -> SourceSpan {
        SourceSpan(
            file: file, start: SourcePosition(line: line, column: columns.lowerBound),
            end: SourcePosition(line: line, column: columns.upperBound))
    }

    @Test("one JSON object on one line, absent keys left out")
    func json() {
        let bare = Diagnostic(.warning, .usage, "say \"less\"\nor \u{1B}[31mmore")
        #expect(
            DiagnosticRenderer.json(bare)
                == #"{"severity":"warning","code":"OSR0606","message":"say \"less\"\nor [31mmore"}"#)
        let full = Diagnostic(
            .error, .duplicateName, "twice", at: span(3, 5..<9), address: "here/hub.here",
            notes: [.init("first", at: span(1, 2..<3)), .init("plain")], help: "rename ü")
        let expected =
            #"{"severity":"error","code":"OSR0107","message":"twice","file":"a.yaml","line":3,"column":5,"endLine":3,"#
            + #""endColumn":9,"help":"rename ü","address":"here/hub.here","notes":[{"message":"first","file":"a.yaml","#
            + #""line":1,"column":2,"endLine":1,"endColumn":3},{"message":"plain"}]}"#
        #expect(DiagnosticRenderer.json(full) == expected)
    }

    @Test("errors are counted, warnings too")
    func summary() {
        let error = Diagnostic(.error, .usage, "e")
        let warning = Diagnostic(.warning, .usage, "w")
        #expect(DiagnosticRenderer.summary(of: [error]) == "1 error")
        #expect(DiagnosticRenderer.summary(of: [error, error, error, warning]) == "3 errors, 1 warning")
        #expect(DiagnosticRenderer.summary(of: [warning, warning]) == "2 warnings")
        #expect(DiagnosticRenderer.text([]) == "")
    }

    @Test("tabs, wide characters, marks and escape sequences keep the underline in place")
    func widths() {
        let sources = ["a.yaml": "\tx: 東京 e\u{301}: \u{1B}[31m\u{202E}z"]
        let text = DiagnosticRenderer.text([Diagnostic(.error, .usage, "m", at: span(1, 8..<10))], sources: sources)
        #expect(
            text == """
                error[OSR0606]: m
                 --> a.yaml:1:8
                  |
                1 |     x: 東京 e\u{301}: \u{FFFD}[31m\u{FFFD}z
                  |             ^

                1 error

                """)
    }

    @Test("places outside the text do not hurt")
    func outside() {
        let sources = ["a.yaml": "one\r\ntwo"]
        for place in [span(2, 90..<99), span(3, 1..<2), span(0, 0..<1), span(1, 4..<1_000_000)] {
            let text = DiagnosticRenderer.text([Diagnostic(.error, .usage, "m", at: place)], sources: sources)
            #expect(text.hasPrefix("error[OSR0606]: m\n"))
            #expect(text.utf8.count < 200)
        }
    }

    @Test("colours only when asked for")
    func colours() {
        let diagnostics = [Diagnostic(.error, .usage, "m", at: span(1, 1..<2), help: "h")]
        let plain = DiagnosticRenderer.text(diagnostics, sources: ["a.yaml": "x"])
        let coloured = DiagnosticRenderer.text(diagnostics, sources: ["a.yaml": "x"], color: true)
        #expect(!plain.contains("\u{1B}"))
        #expect(coloured.replacing(#/\x1B\[[0-9;]*m/#, with: "") == plain)
    }

    @Test("addresses, notes without a place and help over several lines")
    func trailers() {
        let diagnostic = Diagnostic(
            .warning, .deleteLimit, "too many", address: "here/hub.here", notes: [.init("by the way")],
            help: "run\nthis")
        #expect(
            DiagnosticRenderer.text([diagnostic]) == """
                warning[OSR0305]: too many
                  = address: here/hub.here
                  = note: by the way
                  = help: run
                          this

                1 warning

                """)
    }
}
