import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import Testing

@testable import OsirisPlanner

@Suite struct SelectionTests {
    private let wanted = [
        Fake.wants("a/box.b"), Fake.wants("a/app.p", on: "a/box.b"), Fake.wants("a/app.q", on: "a/box.b"),
        Fake.wants("c/box.d"),
    ]
    private let recorded = [
        Fake.has("a/box.b"), Fake.has("a/app.p", on: "a/box.b"), Fake.has("a/app.q", on: "a/box.b"),
        Fake.has("c/box.d"),
    ]

    private func addresses(_ plan: Plan) -> [String] { plan.changes.map(\.address.text) }

    @Test(
        arguments: [
            (["a/app.p"], [], ["a/app.p", "a/box.b"]),
            (["a/app.*"], [], ["a/app.p", "a/app.q", "a/box.b"]),
            (["c"], [], ["c/box.d"]),
            ([], ["a/box.b"], ["c/box.d"]),
            ([], ["a/app.q"], ["a/app.p", "a/box.b", "c/box.d"]),
            (["a"], ["a/app.q"], ["a/app.p", "a/box.b"]),
        ] as [([String], [String], [String])])
    func ofCreates(_ target: [String], _ exclude: [String], _ expected: [String]) throws {
        #expect(addresses(try Fake.plan(wanted, target: target, exclude: exclude)) == expected)
    }

    @Test(
        arguments: [
            // A delete never takes along what the resource lives on, but always what lives on it.
            (["a/app.p"], [], ["a/app.p"]),
            (["a/box.b"], [], ["a/app.p", "a/app.q", "a/box.b"]),
            // What stays keeps what it lives on.
            ([], ["a/app.p"], ["a/app.q", "c/box.d"]),
            ([], ["a/box.b"], ["a/app.p", "a/app.q", "c/box.d"]),
        ] as [([String], [String], [String])])
    func ofDeletes(_ target: [String], _ exclude: [String], _ expected: [String]) throws {
        let destroy = try Fake.plan([], recorded, mode: .destroy, target: target, exclude: exclude)
        #expect(addresses(destroy) == expected)
        let cluster = Fake.cluster()
        let removed = try Fake.plan(
            [Fake.wants("z/box.z")], recorded + [Fake.has("z/box.z")], target: target, exclude: exclude,
            cluster: cluster)
        #expect(addresses(removed) == expected)
    }

    @Test func whatMatchesNothingIsNamed() throws {
        let error = try #require(throws: DiagnosticsError.self) {
            try Fake.plan(wanted, target: ["x/*"], exclude: ["nowhere"])
        }
        #expect(
            error.diagnostics.map(\.message) == [
                "`--target x/*` matches no resource", "`--exclude nowhere` matches no resource",
            ])
    }
}

@Suite struct SafetyTests {
    private func cluster(maxDeletes: Int? = nil, protect: [String] = [], targets: [String] = ["a"]) -> Cluster {
        let spans = Fake.cluster().safety.spans
        return Fake.cluster(
            safety: SafetySpec(maxDeletes: maxDeletes, protect: protect, spans: spans), targets: targets)
    }

    @Test func protectedResources() throws {
        let recorded = [Fake.has("a/box.b", ["image": "i1"]), Fake.has("a/box.c")]
        let plan = try Fake.plan(
            [Fake.wants("a/box.b", ["image": "i2"])], recorded, cluster: cluster(protect: ["a/box.*"]))
        #expect(
            plan.refusals.map(\.message) == [
                "`a/box.b` is protected and would be replaced", "`a/box.c` is protected and would be deleted",
            ])
        #expect(plan.refusals[0].span == Fake.span(3))
        let destroy = try Fake.plan([], recorded, mode: .destroy, cluster: cluster(protect: ["a/box.c"]))
        #expect(destroy.refusals.map(\.code) == [.protectedResource])
    }

    @Test func theDeleteLimitCountsReplacements() throws {
        let recorded = [Fake.has("a/box.b", ["image": "i1"]), Fake.has("a/box.c")]
        let wanted = [Fake.wants("a/box.b", ["image": "i2"])]
        #expect(try Fake.plan(wanted, recorded, cluster: cluster(maxDeletes: 2)).refusals.isEmpty)
        let refused = try Fake.plan(wanted, recorded, cluster: cluster(maxDeletes: 1))
        #expect(refused.refusals.map(\.code) == [.deleteLimit])
        #expect(
            refused.refusals[0].help
                == "raise `safety.maxDeletes` to 2 if you mean it, or allow it once: --allow-deletes 2")
    }

    @Test func anEmptyManifestIsRefused() throws {
        let plan = try Fake.plan([], [Fake.has("a/box.b")], cluster: cluster(targets: []))
        #expect(plan.refusals.map(\.code) == [.emptyCluster])
        #expect(try Fake.plan([], cluster: cluster(targets: [])).refusals.isEmpty)
    }
}

@Suite struct DesiredGraphTests {
    @Test func unknownAndDuplicate() throws {
        let error = try #require(throws: DiagnosticsError.self) {
            try DesiredGraph(linking: [
                Fake.wants("a/box.b", on: "a/box.nowhere", line: 4), Fake.wants("a/box.b", line: 8),
            ])
        }
        #expect(
            error.diagnostics.sortedForDisplay().map { "\($0.code.rawValue) \($0.message) @\($0.span!.start.line)" }
                == [
                    "OSR0302 `a/box.b` needs `a/box.nowhere`, which is not declared @4",
                    "OSR0303 two resources have the address `a/box.b` @8",
                ])
    }

    @Test func aCycleIsTold() throws {
        let reference: Value = .reference(AttributeReference(Fake.address("a/box.x"), "id"))
        let error = try #require(throws: DiagnosticsError.self) {
            try DesiredGraph(linking: [
                Fake.wants("a/box.x", needs: ["a/box.y"]), Fake.wants("a/box.y", needs: ["a/box.z"]),
                Fake.wants("a/box.z", ["peer": reference]), Fake.wants("a/box.w", needs: ["a/box.x"]),
            ])
        }
        #expect(
            error.diagnostics.map(\.message) == [
                "resources need each other in a circle: "
                    + "`a/box.x` needs `a/box.y` needs `a/box.z` needs `a/box.x`"
            ])
    }

    @Test func dependenciesComeFirstAndTiesKeepTheirOrder() throws {
        let graph = try DesiredGraph(linking: [
            Fake.wants("a/box.c", needs: ["a/box.a"]), Fake.wants("a/box.b"), Fake.wants("a/box.a"),
        ])
        #expect(graph.declarations.map(\.address.text) == ["a/box.b", "a/box.a", "a/box.c"])
    }
}
