import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Testing

@testable import OsirisPlanner

/// What entries of `moved` make of a plan.
@Suite struct MovesTests {
    private static let box: Attributes = [
        "image": "i1", "label": "x", "size": 1, "id": "id-1", "url": "http://1", "load": 3,
    ]
    private static let app: Attributes = ["image": "i1", "env": ["A": "1"], "id": "id-2", "url": "http://2"]

    private func entry(_ from: String, _ to: String) throws -> MovedSpec {
        MovedSpec(
            from: try #require(MovedSpec.Name(from)), to: try #require(MovedSpec.Name(to)), span: Fake.span(50))
    }

    private func cluster(_ moved: [MovedSpec], safety: SafetySpec? = nil) -> Cluster {
        var cluster = Fake.cluster(safety: safety)
        cluster.moved = moved
        return cluster
    }

    private func wanted(_ target: String, _ name: String = "b", label: Value = "x", image: Value = "i1")
        -> [ResourceDeclaration]
    {
        [
            Fake.wants("\(target)/box.\(name)", ["image": image, "label": label], line: 10),
            Fake.wants(
                "\(target)/app.\(name).p", ["image": "i1", "env": ["A": "1"]], on: "\(target)/box.\(name)", line: 20),
        ]
    }

    private func recorded(_ target: String, _ name: String = "b") -> [ResourceRecord] {
        [
            Fake.has("\(target)/box.\(name)", Self.box),
            Fake.has("\(target)/app.\(name).p", Self.app, on: "\(target)/box.\(name)"),
        ]
    }

    @Test func aTargetTakesEverythingInItAlong() throws {
        let plan = try Fake.plan(wanted("z"), recorded("a"), cluster: cluster([entry("a", "z")]))
        #expect(
            plan.changeLines == [
                "move z/app.b.p: it is renamed: it was a/app.b.p @50",
                "move z/box.b: it is renamed: it was a/box.b @50",
            ])
        #expect(plan.operationLines == ["move b", "move p [move b]"])
        #expect(plan.noopCount == 0 && plan.drift.isEmpty)
    }

    @Test func aMachineTakesAlongWhatHasItsName() throws {
        let more = Fake.has("a/box.other", Self.box)
        let plan = try Fake.plan(
            wanted("a", "c") + [Fake.wants("a/box.other", ["image": "i1", "label": "x"])], recorded("a") + [more],
            cluster: cluster([entry("a/box.b", "a/box.c")]))
        #expect(plan.changes.map(\.address.text) == ["a/app.c.p", "a/box.c"])
        #expect(plan.changes.allSatisfy { $0.action == .move } && plan.noopCount == 1)
    }

    @Test func anEntryThatIsDoneChangesNothing() throws {
        let plan = try Fake.plan(wanted("z"), recorded("z"), cluster: cluster([entry("a", "z")]))
        #expect(plan.isEmpty && plan.noopCount == 2)
    }

    @Test func entriesGoOnFromEachOther() throws {
        for moved in [[("a", "m"), ("m", "z")], [("m", "z"), ("a", "m")]] {
            let plan = try Fake.plan(wanted("z"), recorded("a"), cluster: cluster(moved.map { try entry($0.0, $0.1) }))
            #expect(plan.changes.map(\.moved?.from.text) == ["a/app.b.p", "a/box.b"])
        }
        let moved = [try entry("a", "z"), try entry("z/box.b", "z/box.c")]
        let plan = try Fake.plan(wanted("z", "c"), recorded("a"), cluster: cluster(moved))
        #expect(plan.changes.map(\.address.text) == ["z/app.c.p", "z/box.c"])
        #expect(plan.changes.allSatisfy { $0.action == .move })
    }

    @Test func anUpdateComesAfterTheNewName() throws {
        let plan = try Fake.plan(wanted("z", label: "y"), recorded("a"), cluster: cluster([entry("a", "z")]))
        #expect(
            plan.changeLines == [
                "move z/app.b.p: it is renamed: it was a/app.b.p @50",
                "update z/box.b: label changed in the manifest @12",
            ])
        #expect(plan.changes[1].moved?.from.text == "a/box.b")
        #expect(plan.operationLines == ["move b", "update b [move b]", "move p [move b, update b]"])
    }

    @Test func whatCannotChangeIsReplacedAndSaysSo() throws {
        let plan = try Fake.plan(wanted("z", image: "i2"), recorded("a"), cluster: cluster([entry("a", "z")]))
        #expect(plan.count(.replace) == 2 && plan.changes.allSatisfy { $0.moved != nil })
        #expect(throws: Diagnostic.self) { try plan.movesAlone() }
    }

    @Test func whatIsNotWantedAnyMoreIsRenamedAndDeleted() throws {
        let plan = try Fake.plan([wanted("z")[0]], recorded("a"), cluster: cluster([entry("a", "z")]))
        #expect(plan.changes.map { "\($0.action.rawValue) \($0.address)" } == ["delete z/app.b.p", "move z/box.b"])
        #expect(plan.operationLines == ["move b", "move p [move b]", "delete p [move b, move p]"])
    }

    /// The notes of the hint; empty if there is none.
    private func hints(
        _ wanted: [ResourceDeclaration], _ recorded: [ResourceRecord], mode: Plan.Mode = .apply,
        moved: [MovedSpec] = [],
        actual: [String: ReadResult] = [:]
    ) throws -> [String] {
        let plan = try Fake.plan(wanted, recorded, actual: actual, mode: mode, cluster: cluster(moved))
        #expect(plan.diagnostics.allSatisfy { $0.code == .looksRenamed && $0.severity == .warning })
        return plan.diagnostics.flatMap(\.notes).map(\.message)
    }

    @Test func whatLooksRenamedIsTold() throws {
        #expect(try hints(wanted("z"), recorded("a")) == ["- {from: a, to: z}"])
        #expect(try hints(wanted("a", "c"), recorded("a")) == ["- {from: a/box.b, to: a/box.c}"])
        let named = Fake.has("a/box.b", Self.box.merging(["label": "on b", "peer": "a-b"]) { $1 })
        let wish = Fake.wants("z/box.b", ["image": "i1", "label": "on b", "peer": "z-b"])
        #expect(try hints([wish], [named]) == ["- {from: a, to: z}"])
        let both = try hints(wanted("a", "c") + wanted("z", "y"), recorded("a") + recorded("m", "y"))
        #expect(both == ["- {from: m, to: z}", "- {from: a/box.b, to: a/box.c}"])
    }

    @Test func noHintIsBetterThanAWrongOne() throws {
        // It differs.
        #expect(try hints(wanted("z", label: "y"), recorded("a")) == [])
        #expect(try hints(wanted("z") + wanted("z", "c"), recorded("a")) == [])
        // It is as much like another one.
        #expect(try hints(wanted("a", "c") + wanted("a", "d"), recorded("a")) == [])
        #expect(try hints(wanted("a", "d"), recorded("a") + recorded("a", "c")) == [])
        // There is nothing to rename, or it is said already.
        #expect(try hints(wanted("z"), recorded("a"), actual: ["a/box.b": .absent, "a/app.b.p": .absent]) == [])
        #expect(try hints([], recorded("a"), mode: .destroy) == [])
        #expect(try hints(wanted("z"), recorded("a"), moved: [entry("a", "z")]) == [])
    }

    @Test func whatIsGoneHasNoNameToChange() throws {
        let plan = try Fake.plan(
            wanted("z"), recorded("a"), actual: ["a/box.b": .absent, "a/app.b.p": .absent],
            cluster: cluster([entry("a", "z")]))
        #expect(plan.changes.allSatisfy { $0.moved == nil })
        #expect(plan.count(.create) == 2 && plan.count(.delete) == 2)
    }

    @Test func aNameThatIsTakenIsRefused() throws {
        let both = recorded("a") + recorded("z")
        let error = try #require(throws: DiagnosticsError.self) {
            try Fake.plan(wanted("z"), both, cluster: cluster([entry("a", "z")]))
        }
        #expect(error.diagnostics.map(\.code) == [.movedTaken, .movedTaken])
        #expect(error.diagnostics.allSatisfy { $0.span?.start.line == 50 })
    }

    @Test func anotherProviderIsRefused() throws {
        let other = wanted("z").map { declaration in
            var declaration = declaration
            declaration.provider = "other"
            return declaration
        }
        let error = try #require(throws: DiagnosticsError.self) {
            try Fake.plan(other, recorded("a"), cluster: cluster([entry("a", "z")]))
        }
        #expect(Set(error.diagnostics.map(\.code)) == [.movedTaken])
    }

    @Test func aNewNameTakesNoProtectionAway() throws {
        let safety = SafetySpec(
            maxDeletes: nil, protect: ["a/*"], spans: SpanMap(whole: Fake.span(1), entries: ["protect.0": Fake.span(3)])
        )
        let moved = [try entry("a", "z")]
        let kept = try Fake.plan(wanted("z"), recorded("a"), cluster: cluster(moved, safety: safety))
        #expect(kept.refusals.isEmpty)
        let lost = try Fake.plan([wanted("z")[0]], recorded("a"), cluster: cluster(moved, safety: safety))
        #expect(lost.refusals.map(\.code) == [.protectedResource])
    }

    @Test func destroyRenamesNothing() throws {
        let plan = try Fake.plan([], recorded("a"), mode: .destroy, cluster: cluster([entry("a", "z")]))
        #expect(plan.changes.allSatisfy { $0.action == .delete && $0.moved == nil })
    }

    @Test func theSavedPlanKeepsTheFormerNames() throws {
        let plan = try Fake.plan(wanted("z", label: "y"), recorded("a"), cluster: cluster([entry("a", "z")]))
        let file = PlanFile(plan: plan, manifestPaths: ["/m.yaml"], statePath: "/state.db")
        let read = try PlanFile(decoding: file.encoded()).plan
        #expect(read.changes.map(\.moved) == plan.changes.map(\.moved))
        #expect(read.operations == plan.operations)
    }

    /// Random worlds in which targets get other names: only that happens, whatever the order, and nothing is left to do.
    @Test(arguments: UInt64(1)...200) func aRandomRenameIsNothingElse(seed: UInt64) throws {
        var random = RandomGraphTests.Generator(state: seed)
        var records: [ResourceRecord] = []
        for index in 0..<Int.random(in: 1...12, using: &random) {
            let target = ["a", "b", "c"].randomElement(using: &random)!
            let parent = records.filter { $0.type == "box" }.randomElement(using: &random)
            if let parent, Bool.random(using: &random) {
                records.append(
                    Fake.has(
                        "\(parent.address.target)/app.\(parent.address.name).p\(index)", Self.app,
                        on: parent.address.text,
                        needs: records.shuffled(using: &random).prefix(2).map(\.address.text)))
            } else {
                records.append(Fake.has("\(target)/box.m\(index)", Self.box))
            }
        }
        let names = Dictionary(
            uniqueKeysWithValues: ["a", "b", "c"].filter { _ in Bool.random(using: &random) }.map { ($0, $0 + "-new") })
        func renamed(_ address: ResourceAddress) -> ResourceAddress {
            let target = names[String(address.target)] ?? String(address.target)
            return ResourceAddress(target: target, type: String(address.type), name: String(address.name))
        }
        let wanted = records.map { record in
            let arguments = record.attributes.filter { ["image", "label", "size", "env"].contains($0.key) }
            return Fake.wants(
                renamed(record.address).text, arguments, on: record.parent.map { renamed($0).text },
                needs: record.dependsOn.map { renamed($0).text })
        }
        let cluster = cluster(try names.sorted { $0.key < $1.key }.map { try entry($0.key, $0.value) })
        let plan = try Fake.plan(wanted, records, cluster: cluster)
        #expect(plan.changes.allSatisfy { $0.action == .move }, "seed \(seed): \(plan.changeLines)")
        var world = World(Dictionary(uniqueKeysWithValues: records.map { ($0.address, $0) }))
        world.apply(plan, actual: [:], using: &random)
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations)")
        #expect(Set(world.records.keys) == Set(wanted.map(\.address)), "seed \(seed)")
        let second = try Fake.plan(wanted, Array(world.records.values), cluster: cluster)
        #expect(second.isEmpty, "seed \(seed): \(second.changeLines)")
        #expect(
            world.records.values.allSatisfy { $0.dependsOn.allSatisfy { world.records[$0] != nil } }, "seed \(seed)")
    }
}
