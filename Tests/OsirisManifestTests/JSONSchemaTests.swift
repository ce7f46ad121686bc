import Foundation
import Testing

@testable import OsirisManifest

/// Checks the JSON Schema with an independent implementation: Python's `jsonschema`.
@Suite("JSON Schema")
struct JSONSchemaTests {
    @Test("the same schema every time")
    func deterministic() {
        let first = ManifestJSONSchema.render(kinds: TestKinds.all)
        #expect(first == ManifestJSONSchema.render(kinds: TestKinds.all.reversed()))
        #expect(first.hasSuffix("}\n"))
    }

    @Test("accepts the good manifests, refuses structural faults")
    func validator() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-schema-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let schema = folder.appendingPathComponent("schema.json")
        try ManifestJSONSchema.render(kinds: TestKinds.all).write(to: schema, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = try ["python3", "-c", Self.program, schema.path] + documents(in: folder)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = await withCheckedContinuation { waiter in
            // On a thread of its own: there are few that all tests share.
            Thread.detachNewThread {
                let bytes = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                waiter.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
        if text.contains("No module named") {
            Issue.record("the jsonschema package is missing; run: python3 -m pip install jsonschema")
            return
        }
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.hasSuffix("checked\n"), "\(text)")
    }

    /// Cases the schema cannot see through: variables, files, and what several values say together.
    private static let refused = [
        "unknown-keys", "wrong-types", "missing-keys", "head-missing", "head-wrong", "kind-foreign",
        "defaults-key-unknown", "defaults-list", "defaults-name", "defaults-provider-unknown", "defaults-value-wrong",
        "labels-list", "placement-empty", "placement-key-misspelt", "placement-label-type", "variable-type-misspelt",
        "slip-api-version", "slip-kind", "slip-kind-case", "slip-spec-level", "slip-indent-of-functions",
        "slip-name-underscore", "slip-target-without-provider", "slip-target-as-mapping", "slip-function-as-mapping",
        "slip-runtime-version", "slip-command-text", "slip-env-list", "slip-env-null", "slip-bool-yes",
        "slip-bool-quoted", "slip-int-quoted", "slip-int-float", "slip-port-range", "slip-timeout-unit",
        "slip-timeout-words", "slip-memory-unit", "slip-memory-fraction", "slip-percent-sign", "overlay-base-absent",
        "overlay-base-list", "overlay-key-unknown", "overlay-name-wrong", "overlay-patch-list", "choices", "quantities",
        "names", "ranges", "conflicts", "null-items", "many-faults", "nothing-but-a-list",
    ]

    /// The manifests of the golden cases as JSON files: `good-…` must be accepted, the others refused.
    private func documents(in target: URL) throws -> [String] {
        let good = CaseTests.names.filter { $0.hasPrefix("good-") }
        return try (good + Self.refused).compactMap { name -> String? in
            let source = casesFolder + "/\(name)/"
            let texts = ["manifest.yaml", "overlays/prod/overlay.yaml"].lazy.compactMap {
                try? String(contentsOfFile: source + $0, encoding: .utf8)
            }
            guard let text = texts.first else { return nil }
            let document = try #require(ManifestJSONSchema.parsed(text))
            let file = target.appendingPathComponent("\(name).json")
            try document.rendered().write(to: file, atomically: true, encoding: .utf8)
            return file.path
        }
    }

    /// The other documents are Python values here, so that no YAML package is needed.
    private static let program = #"""
        import copy, json, sys
        from jsonschema import Draft202012Validator
        schema = json.load(open(sys.argv[1]))
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema)
        good = {"apiVersion": "osiris.dev/v1", "kind": "Cluster", "metadata": {"name": "edge"}, "spec": {
            "variables": {"n": {"type": "int", "default": 3}, "k": {"secret": True, "from": "env:K"}},
            "hub": {"archive": "images/hub.tar", "port": 9090},
            "functions": [
                {"name": "hello", "namespace": "demo", "runtime": "python3", "source": "f", "handler": "h.handle",
                 "alwaysOn": False, "scale": {"min": "${var.n}", "max": 8, "concurrency": 2, "idle": "5m"}, "limits": {"timeout": "1m30s", "memory": "128Mi"},
                 "network": False,
                 "env": {"A": "b", "N": 3, "D": True}, "secrets": {"K": "${var.k}"},
                 "smoke": {"input": {"name": "Ada"}, "expect": None, "within": "500ms"},
                 "placement": {"targets": ["rack"]}},
                {"name": "tick", "runtime": "command", "command": ["date"], "limits": {"memory": 1000, "cpu": 0.5, "processes": 4, "openFiles": 16, "disk": "1Mi", "output": 1}}],
            "safety": {"maxDeletes": 5, "protect": ["rack/*"]},
            "targets": [
                {"name": "rack", "provider": "simulated", "machines": {"count": 4},
                 "simulate": {"latency": "20ms", "faults": {"throttle": 0.05}}},
                {"name": "here", "provider": "local", "engine": "podman", "port": "${var.n}"}]}}
        overlay = {"apiVersion": "osiris.dev/v1", "kind": "Overlay", "metadata": {"name": "prod"}, "spec": {
            "base": "../base", "patch": {"hub": {"port": 1}}, "remove": ["targets[here]"], "add": {}}}
        minimal = {"apiVersion": "osiris.dev/v1", "kind": "Cluster", "metadata": {"name": "e"}, "spec": {}}
        for document in (good, overlay, minimal):
            faults = [error.message for error in validator.iter_errors(document)]
            assert not faults, faults
        def broken(path, value, delete=False):
            document = copy.deepcopy(good)
            at = document
            for step in path[:-1]: at = at[step]
            if delete: del at[path[-1]]
            else: at[path[-1]] = value
            assert not validator.is_valid(document), ("accepted", path, value)
        f, t = ["spec", "functions", 0], ["spec", "targets"]
        for path, value in [
            (["apiVersion"], "osiris.dev/v2"), (["kind"], "Overlay"), (["metadata", "name"], "Edge"), (["x"], 1),
            (["spec", "rollout"], {"canary": -1}), (["spec", "hub", "port"], 0), (["spec", "hub", "port"], 70000),
            (["spec", "hub", "port"], "8080"), (["spec", "hub", "image"], "both"), (f + ["runtime"], "wasm"),
            (f + ["name"], "a_b"), (f + ["command"], ["x"]), (f + ["scale"], {"min": 65}), (f + ["scale"], {"max": 65}),
            (f + ["scale"], {"concurrency": 0}), (f + ["scale"], {"idle": 5}), (f + ["scale"], {"most": 2}),
            (f + ["limits", "timeout"], "10"), (f + ["limits", "timeout"], 10), (f + ["limits", "timeout"], ""),
            (f + ["limits", "memory"], "128MB"), (f + ["limits", "cpu"], 0), (f + ["limits", "processes"], 3),
            (f + ["limits", "openFiles"], 15), (f + ["limits", "disk"], "1MB"), (f + ["network"], "off"), (f + ["env"], ["A=b"]), (f + ["env", "A"], None),
            (f + ["placement"], {}), (f + ["alwaysOn"], "yes"), (t + [0, "provider"], "aws"),
            (t + [0, "machines"], {"count": 0}), (t + [0, "engine"], "podman"), (t + [1, "machines"], {"count": 1}),
            (t + [1, "engine"], "docker"), (t + [0, "simulate", "faults", "throttle"], 1.5),
            (["spec", "safety", "maxDeletes"], -1), (["spec", "variables", "n", "type"], "integer")]:
            broken(path, value)
        for path in [["kind"], ["metadata"], ["spec"], f + ["name"], f + ["handler"], f + ["source"], t + [0, "machines"],
                     t + [0, "provider"], ["spec", "functions", 1, "command"]]:
            broken(path, None, delete=True)
        for path in sys.argv[2:]:
            faults = [error.message for error in validator.iter_errors(json.load(open(path)))]
            expected = "/good-" in path
            assert (not faults) == expected, (path, faults)
        assert len(sys.argv) > 15
        print("checked")
        """#
}
