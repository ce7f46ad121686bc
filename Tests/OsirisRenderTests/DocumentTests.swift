import Foundation
import OsirisModel
import OsirisPlanner
import Testing

@testable import OsirisRender

@Suite struct PlanMarkdownTests {
    @Test(arguments: ["mixed", "conflict", "fleet", "refused", "hostile"]) func goldens(_ name: String) {
        let plan = SamplePlans.all.first { $0.name == name }!.plan
        Golden.expect(PlanMarkdown.render(plan, linkBase: "https://example.com/blob/main/"), "\(name).md")
    }

    @Test func neverOverTheLimitAndSaysWhatIsMissing() throws {
        let changes = (1...3000).map { number in
            Sample.change(
                "fleet/hub.m\(number)", number.isMultiple(of: 2) ? .update : .replace,
                .manifestChanged(["version"]), line: 6,
                [Sample.turn("version", "1", .string("new ``` \(number)"), forces: true)])
        }
        let drift = (1...2000).map {
            ResourceDrift(
                address: Sample.address("fleet/hub.m\($0)"), attributes: [Sample.turn("a", .int($0), .int(-$0))],
                gone: false)
        }
        let text = PlanMarkdown.render(Sample.plan(changes, drift: drift))
        #expect(text.utf8.count <= PlanMarkdown.limit)
        #expect(text.utf8.count > PlanMarkdown.limit / 2)
        #expect(text.components(separatedBy: "<details").count == text.components(separatedBy: "</details>").count)
        let missing = text.matches(of: /… ([0-9,]+) more; `osiris plan`/).map { $0.1 }
        #expect(missing.count == 3, "\(missing)")
        #expect(text.contains("<summary>1,500 to update</summary>"))
    }
}

@Suite struct GraphAndStateTests {
    @Test func operations() {
        Golden.expect(GraphRender.dot(SamplePlans.mixed), "mixed.operations.dot")
        Golden.expect(GraphRender.mermaid(SamplePlans.mixed), "mixed.operations.mmd")
    }

    @Test func resources() {
        let graph = [
            GraphNode(address: Sample.address("here/hub.here"), action: .update),
            GraphNode(
                address: Sample.address("here/function.a\"b#c"), parent: Sample.address("here/hub.here"),
                needs: [Sample.address("here/hub.here"), Sample.address("lab/hub.lab")], action: .create),
        ]
        Golden.expect(GraphRender.dot(graph) + GraphRender.mermaid(graph), "resources.graph.txt")
        #expect(
            GraphRender.json(graph) == [
                "nodes": [
                    ["address": "here/hub.here", "parent": .null, "needs": []],
                    [
                        "address": "here/function.a\"b#c", "parent": "here/hub.here",
                        "needs": ["here/hub.here", "lab/hub.lab"],
                    ],
                ]
            ])
    }

    /// A function's output must not take over the terminal, wherever the pieces break.
    @Test func linesOfOthersAreHarmless() {
        var lines = PrintableLines()
        var shown = ""
        for byte in Array("a\tb\n\u{1B}[2J\u{9B}31m ünï\r\n\nlast\u{7}".utf8) { shown += lines.feed([byte]) }
        #expect(shown == "a\tb\n\\u{1B}[2J\\u{9B}31m ünï\\r\n\n")
        #expect(lines.end() == "last\\u{7}" && lines.end().isEmpty)
    }

    @Test func state() {
        let hub = ResourceRecord(
            address: Sample.address("here/hub.here"), provider: "local",
            attributes: [
                "port": 8080, "token": Sample.secret("one"), "limits": ["memory": 1024, "nested": ["a": ["x", "y"]]],
                "motd": "two\nlines\u{1B}[2J", "none": .null,
            ], dependsOn: [Sample.address("here/image.hub")], source: Sample.span(8))
        let function = ResourceRecord(
            address: Sample.address("here/function.here.demo.hello"), provider: "hub", attributes: [:],
            parent: hub.address,
            incomplete: "create: POST /v1/functions answered 500: " + String(repeating: "x", count: 90))
        let style = TextStyle()
        let history = StateText.table(
            ["TIME", "COMMAND", "RESULT"],
            [["2026-02-03 04:00", "apply", "3 created"], ["2026-02-03 05:10", "destroy", "interrupted, 2 left"]],
            style: style)
        let texts = [
            StateText.list([hub, function], style: style), StateText.list([], style: style),
            StateText.show(hub, style: style), StateText.show(function, style: style), history,
            StateText.table(["TIME"], [], style: style),
        ]
        Golden.expect(texts.joined(separator: "----------\n"), "state.txt")
        #expect(!texts.joined().contains("hunter2"))
    }
}
