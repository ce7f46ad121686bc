import Foundation
import Testing

/// Everything that prints a plan as JSON, held against docs/plan.schema.json by Python's `jsonschema`.
struct PlanSchemaTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let manifest = """
        apiVersion: osiris.dev/v1
        kind: Cluster
        metadata: {name: schema}
        spec:
          variables:
            key: {type: string, secret: true, default: one}
          hub: {port: 8080}
          functions:
            - {name: echo, namespace: demo, runtime: command, command: [cat], env: {LEVEL: low}, secrets: {KEY: "${var.key}"}}
          targets:
            - {name: fleet, provider: simulated, machines: {count: 4, racks: 2}, simulate: {store: sim.jsonl}}
            - {name: off, provider: simulated, machines: {count: 2}, simulate: {store: off.jsonl, faults: {offline: []}}}

        """

    /// What the program prints at every stage of a cluster's life, as files.
    private func documents() async throws -> [String] {
        var files: [String] = []
        func keep(_ name: String, _ arguments: String..., status: Int32 = 0) async throws {
            let answer = try await Program.Running(arguments, in: scratch.url).wait()
            #expect(answer.status == status, "\(name): \(answer)")
            try scratch.write(answer.out, to: "\(name).out.json")
            files.append(scratch.url.appendingPathComponent("\(name).out.json").path)
        }
        try scratch.write(Self.manifest, to: "cluster.yaml")
        try await keep("create", "plan", "--json")
        let applied = try await Program.run("apply", "--auto-approve", in: scratch.url)
        #expect(applied.status == 0, "\(applied)")
        try await keep("empty", "plan", "--json")
        try await keep("no-drift", "drift", "--json")
        // A secret, a port and an environment change; a function comes, a machine goes, somebody was there.
        try scratch.edit("cluster.yaml", "default: one", "default: two")
        try scratch.edit("cluster.yaml", "port: 8080", "port: 8181")
        try scratch.edit("cluster.yaml", "LEVEL: low", "LEVEL: high, NONE: \"\"")
        try scratch.edit("cluster.yaml", "count: 4", "count: 3")
        let store = try scratch.read("sim.jsonl")
        try scratch.write(
            store.replacingOccurrences(of: "\"version\":\"4.3.1\"", with: "\"version\":\"4.0.0\""), to: "sim.jsonl")
        try await keep("mixed", "plan", "--json")
        try await keep("drift", "drift", "--json", status: 2)
        try await keep("saved", "plan", "--json", "--out", "saved.plan")
        try await keep("shown", "show", "saved.plan", "--json")
        try scratch.edit("cluster.yaml", "offline: []", "offline: [off/machine.m0001]")
        try await keep("set-aside", "plan", "--json", status: 1)
        try await keep("destroy", "plan", "--destroy", "--json")
        return files
    }

    @Test func everyOutputIsAsTheSchemaSays() async throws {
        let cases = Program.root.appendingPathComponent("Tests/OsirisRenderTests/Cases")
        let goldens = try FileManager.default.contentsOfDirectory(atPath: cases.path)
            .filter { $0.hasSuffix(".json") && !$0.hasSuffix(".page.json") }.map { cases.path + "/" + $0 }
        let plans = Program.root.appendingPathComponent("plans")
        let reviewed = try FileManager.default.contentsOfDirectory(atPath: plans.path)
            .filter { $0.hasSuffix(".json") }.map { plans.path + "/" + $0 }
        #expect(goldens.count > 5 && reviewed.count > 2)
        let files = try await documents()
        let schema = Program.root.appendingPathComponent("docs/plan.schema.json").path
        let answer = try await Program.Running(
            ["python3", "-c", Self.program, schema] + goldens + reviewed + files, program: "/usr/bin/env",
            in: scratch.url
        ).wait()
        #expect(answer.status == 0 && answer.out.hasSuffix("checked\n"), "\(answer)")
    }

    /// Also refuses what it must: the schema would be worth nothing if it took everything.
    private static let program = #"""
        import copy, json, sys
        from jsonschema import Draft202012Validator
        schema = json.load(open(sys.argv[1]))
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema)
        seen = set()
        for path in sys.argv[2:]:
            document = json.load(open(path))
            faults = [f"{path}: {'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in validator.iter_errors(document)]
            if faults:
                sys.exit("\n".join(faults))
            seen |= {key for key in ("changes", "drift", "setAside", "rollout") if document.get(key)}
            seen |= {change["action"] for change in document["changes"]}
        missing = {"changes", "drift", "setAside", "rollout", "create", "update", "replace", "delete"} - seen
        if missing:
            sys.exit(f"no document has {missing}")
        whole = json.load(open(next(path for path in sys.argv[2:] if path.endswith("mixed.out.json"))))
        def broken(change):
            document = copy.deepcopy(whole)
            change(document)
            if validator.is_valid(document):
                sys.exit(f"accepted although it is wrong: {change.__code__.co_firstlineno}")
        broken(lambda d: d.pop("serial"))
        broken(lambda d: d.update(formatVersion=2))
        broken(lambda d: d.update(more=1))
        broken(lambda d: d["changes"][0].update(action="noop"))
        broken(lambda d: d["changes"][0].update(address="nowhere"))
        broken(lambda d: d["changes"][0].pop("attributes"))
        broken(lambda d: next(c for c in d["changes"] if c["attributes"])["attributes"][0].update(after={"$unknown": False}))
        broken(lambda d: d["drift"][0].update(gone=True))
        broken(lambda d: d["drift"][0]["attributes"][0].pop("path"))
        broken(lambda d: d["rollout"].update(onFailure="hope"))
        broken(lambda d: d["rollout"]["machines"][0].pop("outageMilliseconds"))
        print("checked")
        """#
}
