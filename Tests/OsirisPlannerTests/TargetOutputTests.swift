import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import Testing

/// Outputs of targets, and functions placed by label, in a whole expansion.
@Suite("Outputs of targets")
struct TargetOutputTests {
    /// One machine for each of `hosts`, named `m0` and so on; the address is the host, or not known if it is empty.
    private struct Rack: Provider {
        let name = "rack"
        let targetKind: TargetKind? = TargetKind(
            provider: "rack", doc: "Rack.",
            schema: Schema([Field("hosts", .list(of: .string), doc: "Hosts."), Field("note", .string, doc: "Text.")]))
        let handlers: [any ResourceHandler] = []

        func expand(_ target: Target, of cluster: Cluster) -> Expansion {
            var expansion = Expansion()
            for (index, host) in (target.settings["hosts"]?.listValue ?? []).enumerated() {
                let hub = ResourceAddress(target: target.name, type: "hub", name: "m\(index)")
                let known = host.stringValue?.isEmpty == false
                expansion.resources.append(
                    ResourceDeclaration(address: hub, provider: name, attributes: [:], spans: target.spans))
                expansion.machines.append(
                    Machine(
                        name: "m\(index)", hub: hub, functionProvider: name,
                        address: known ? host : .reference(AttributeReference(hub, "address")),
                        labels: ["number": String(index)]))
            }
            return expansion
        }
    }

    private func cluster(_ spec: String) throws -> Cluster {
        let text = "apiVersion: osiris.dev/v1\nkind: Cluster\nmetadata: {name: edge}\nspec:\n" + spec
        let loaded = ManifestLoader.load(
            ManifestOptions(
                paths: ["-"], standardInput: { Array(text.utf8) }, kinds: ProviderRegistry([Rack()]).targetKinds,
                secretDigest: { $0 }))
        return try #require(loaded.cluster, "\(loaded.diagnostics)")
    }

    private func graph(_ spec: String) throws -> DesiredGraph {
        let expander = ClusterExpander(ProviderRegistry([Rack()]))
        return try expander.expand(expander.resolvingTargets(of: cluster(spec)))
    }

    private func function(_ env: String, _ more: String = "") -> String {
        "  functions:\n  - {name: f, runtime: command, command: [x], env: {E: \"\(env)\"}\(more)}\n"
    }

    private let targets =
        "  targets:\n  - {name: a, provider: rack, hosts: [one, two]}\n  - {name: b, provider: rack, hosts: [\"\"]}\n"

    private func faults(_ spec: String) throws -> [String] {
        do {
            _ = try graph(spec)
            return []
        } catch let error as DiagnosticsError {
            return error.diagnostics.map { "\($0.code.rawValue) \($0.message)" }
        }
    }

    @Test("what is known stands there as text, what is not as a dependency")
    func resolved() throws {
        let graph = try graph(
            function("${target.a.machines[m1].address} ${target.a.machines[0].name} ${target.b.machines[0].address}!")
                + targets)
        let index = try #require(graph.declarations.firstIndex { $0.address.text == "a/function.m0.default.f" })
        let hub = try #require(ResourceAddress("b/hub.m0"))
        #expect(
            graph.declarations[index].attributes["env"]
                == ["E": .joined(["two", " ", "m0", " ", .reference(AttributeReference(hub, "address")), "!"])])
        #expect(graph.dependencies[index].map { graph.declarations[$0].address.text }.contains("b/hub.m0"))
    }

    @Test("a target may use what another one's manifest says")
    func betweenTargets() throws {
        let cluster = try ClusterExpander(ProviderRegistry([Rack()])).resolvingTargets(
            of: cluster(
                "  targets:\n  - {name: a, provider: rack, hosts: [one], note: \"${target.b.machines[0].address}:1\"}\n"
                    + "  - {name: b, provider: rack, hosts: [two]}\n"))
        #expect(cluster.targets[0].settings["note"] == "two:1")
    }

    @Test("a circle is told with its chain")
    func circle() throws {
        let text =
            "  targets:\n  - {name: a, provider: rack, note: \"${target.b.machines[0].name}\"}\n"
            + "  - {name: b, provider: rack, note: \"${target.c.machines[0].name}\"}\n"
            + "  - {name: c, provider: rack, note: \"${target.a.machines[0].name}\"}\n"
        #expect(try faults(text) == ["OSR0122 targets need each other in a circle: `a` needs `b` needs `c` needs `a`"])
    }

    @Test("machines that are not there, and outputs that come too late, are faults")
    func unknown() throws {
        #expect(
            try faults(function("${target.a.machines[2].address}") + targets)
                == ["OSR0123 the target `a` has no machine `2`"])
        #expect(
            try faults(function("${target.a.machines[m7].address}") + targets)
                == ["OSR0123 the target `a` has no machine `m7`"])
        let late = targets + "  - {name: c, provider: rack, hosts: [x], note: \"${target.b.machines[0].address}\"}\n"
        #expect(try faults(late) == ["OSR0203 `note` of the target `c` must be known before apply"])
    }

    @Test("a function runs where the labels are, and somewhere")
    func labels() throws {
        let graph = try graph(
            function("", ", placement: {labels: {number: \"0\", zone: z}}")
                + "  targets:\n  - {name: a, provider: rack, hosts: [one, two], labels: {zone: z}}\n"
                + "  - {name: b, provider: rack, hosts: [three]}\n")
        let functions = graph.declarations.map(\.address.text).filter { $0.contains("function") }
        #expect(functions == ["a/function.m0.default.f"])
        let nowhere = function("", ", placement: {labels: {number: \"9\"}}") + targets
        #expect(try faults(nowhere) == ["OSR0123 no machine has the labels `number: 9`"])
    }
}
