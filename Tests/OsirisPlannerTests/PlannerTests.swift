import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import Testing

@testable import OsirisPlanner

@Suite struct PlannerTests {
    private let box: Attributes = [
        "image": "i1", "label": "x", "size": 1, "id": "id-1", "url": "http://1", "load": 3,
    ]
    private let app: Attributes = ["image": "i1", "env": ["A": "1"], "id": "id-2", "url": "http://2"]

    private func wantsBox(_ changed: Attributes = [:]) -> ResourceDeclaration {
        Fake.wants("a/box.b", ["image": "i1", "label": "x"].merging(changed) { $1 }, line: 10)
    }

    private func wantsApp(_ changed: Attributes = [:], on parent: String = "a/box.b") -> ResourceDeclaration {
        Fake.wants("a/app.p", ["image": "i1", "env": ["A": "1"]].merging(changed) { $1 }, on: parent, line: 20)
    }

    private var both: [ResourceRecord] {
        [Fake.has("a/box.b", box), Fake.has("a/app.p", app, on: "a/box.b")]
    }

    @Test func create() throws {
        let plan = try Fake.plan([wantsBox()])
        #expect(plan.changeLines == ["create a/box.b: added to the manifest @10"])
        #expect(
            plan.changes[0].attributes.map { "\($0.path) \($0.after!)" } == [
                "id unknown", "image string(\"i1\")", "label string(\"x\")", "load unknown", "size int(1)",
                "url unknown",
            ])
    }

    @Test func noOp() throws {
        let plan = try Fake.plan([wantsBox(), wantsApp()], both)
        #expect(plan.isEmpty && plan.operations.isEmpty && plan.drift.isEmpty && plan.noopCount == 2)
    }

    @Test func anAbsentArgumentIsItsDefault() throws {
        var attributes = box
        attributes["size"] = nil
        for wanted in [wantsBox(), wantsBox(["size": 1])] {
            let plan = try Fake.plan([wanted], [Fake.has("a/box.b", attributes)])
            #expect(plan.isEmpty && plan.drift.isEmpty)
        }
        #expect(try Fake.plan([wantsBox()], [Fake.has("a/box.b", box.merging(["size": 5]) { $1 })]).count(.update) == 1)
    }

    @Test func update() throws {
        let plan = try Fake.plan([wantsBox(["label": "y"])], [Fake.has("a/box.b", box)])
        #expect(plan.changeLines == ["update a/box.b: label changed in the manifest @12"])
        #expect(plan.changes[0].attributes.map(\.path) == ["label", "url"])
        #expect(plan.changes[0].attributes[1].after == .unknown)
    }

    @Test func attributesAreSortedAlsoWithComputedOnes() throws {
        let wanted = Fake.wants("a/app.p", ["image": "i1", "peer": "z"], line: 1)
        let plan = try Fake.plan(
            [wanted], [Fake.has("a/app.p", ["image": "i1", "id": "1", "url": "u", "env": ["Z": "1"]])])
        #expect(plan.changes[0].attributes.map(\.path) == ["env.Z", "peer", "url"])
    }

    @Test func replaceByForce() throws {
        let plan = try Fake.plan([wantsBox(["image": "i2"])], [Fake.has("a/box.b", box)])
        #expect(plan.changeLines == ["replace a/box.b: image changed in the manifest @11"])
        #expect(plan.changes[0].attributes.map(\.path) == ["id", "image", "load", "url"])
        #expect(plan.changes[0].attributes.filter(\.forcesReplacement).map(\.path) == ["image"])
        #expect(plan.changes[0].attributes[0].before == "id-1")
    }

    @Test func replaceByParentShowsWhatReallyDiffers() throws {
        let plan = try Fake.plan([wantsBox(["image": "i2"]), wantsApp()], both)
        #expect(
            plan.changeLines == [
                "replace a/app.p: it lives on a/box.b, which is replaced: image changed in the manifest @20",
                "replace a/box.b: image changed in the manifest @11",
            ])
        #expect(plan.changes[0].attributes.map(\.path) == ["id", "url"])
    }

    @Test func anotherProviderOrParentIsAnotherObject() throws {
        let provider = try Fake.plan(
            [Fake.wants("a/box.b", ["image": "i1", "label": "x"], provider: "other")], [Fake.has("a/box.b", box)])
        #expect(provider.changeLines == ["replace a/box.b: provider changed in the manifest @1"])
        let records = both + [Fake.has("a/box.c", box)]
        let other = Fake.wants("a/box.c", ["image": "i1", "label": "x"], line: 30)
        let parent = try Fake.plan([wantsBox(), other, wantsApp(on: "a/box.c")], records)
        #expect(parent.changeLines == ["replace a/app.p: parent changed in the manifest @20"])
        // The new parent is only now created: the old object is still there and must not be forgotten.
        let created = try Fake.plan([wantsBox(), other, wantsApp(on: "a/box.c")], both)
        #expect(created.operationLines == ["delete p", "create c", "create p [create c, delete p]"])
    }

    @Test func delete() throws {
        let plan = try Fake.plan([wantsBox()], both)
        #expect(plan.changeLines == ["delete a/app.p: removed from the manifest @99"])
        #expect(plan.changes[0].prior["id"] == "id-2")
    }

    @Test func destroy() throws {
        let plan = try Fake.plan([], both, mode: .destroy)
        #expect(plan.changeLines.allSatisfy { $0.contains("destroy was asked for") })
        #expect(plan.operationLines == ["delete p", "delete b [delete p]"])
    }

    @Test func gone() throws {
        let plan = try Fake.plan([wantsBox(), wantsApp()], both, actual: ["a/box.b": .absent, "a/app.p": .absent])
        #expect(
            plan.changeLines == [
                "create a/app.p: it lives on a/box.b, which is created: it was removed outside osiris @20",
                "create a/box.b: it was removed outside osiris @10",
            ])
        #expect(plan.drift.map(\.gone) == [true, true])
    }

    @Test func drift() throws {
        let drifted = box.merging(["label": "hand", "load": 90, "url": "http://9"]) { $1 }
        let plan = try Fake.plan([wantsBox()], [Fake.has("a/box.b", box)], actual: ["a/box.b": .present(drifted)])
        #expect(plan.changeLines == ["update a/box.b: label changed outside osiris @12"])
        #expect(plan.drift[0].attributes.map(\.path) == ["label", "url"])
        #expect(!plan.drift[0].gone)
    }

    @Test func conflictNamesBothSides() throws {
        let plan = try Fake.plan(
            [wantsBox(["label": "new", "size": 2])], [Fake.has("a/box.b", box)],
            actual: ["a/box.b": .present(box.merging(["label": "hand"]) { $1 })])
        #expect(
            plan.changeLines == [
                "update a/box.b: label, size changed in the manifest, label changed outside osiris @12"
            ])
    }

    @Test func followsOnlyWhereAReferenceStands() throws {
        let hub: Value = .reference(AttributeReference(Fake.address("a/box.b"), "url"))
        let recorded = [
            Fake.has("a/box.b", box),
            Fake.has("a/app.p", app.merging(["env": ["A": "1", "HUB": "http://1"]]) { $1 }, on: "a/box.b"),
        ]
        let quiet = wantsApp(["env": ["A": "1", "HUB": hub]])
        let follows = try Fake.plan([wantsBox(["label": "y"]), quiet], recorded)
        #expect(follows.changeLines[0] == "update a/app.p: env.HUB follows a/box.b @21")
        let changed = try Fake.plan([wantsBox(), wantsApp(["env": ["A": "2", "HUB": hub]])], recorded)
        #expect(changed.changeLines == ["update a/app.p: env.A changed in the manifest @21"])
        let drifted = try Fake.plan(
            [wantsBox(), quiet], recorded,
            actual: ["a/app.p": .present(app.merging(["env": ["A": "1", "HUB": "evil"]]) { $1 })])
        #expect(drifted.changeLines == ["update a/app.p: env.HUB changed outside osiris @21"])
    }

    @Test func incomplete() throws {
        let plan = try Fake.plan([wantsBox()], [Fake.has("a/box.b", box, incomplete: "answered 500")])
        #expect(plan.changeLines == ["update a/box.b: its last apply did not finish: answered 500 @10"])
    }

    @Test func aRotatedKeyUpdatesWhatKeepsSomethingSealed() throws {
        let plan = try Fake.plan([wantsBox()], [Fake.has("a/box.b", box, incomplete: ResourceRecord.keyChanged)])
        #expect(
            plan.changeLines
                == ["update a/box.b: the state's key was changed; apply seals what it keeps for a rebuild anew @10"])
    }

    @Test func aLostGeneratedSecretIsMadeAnewByAnUpdate() throws {
        let wanted = Fake.wants("a/vault.v", ["label": "x"], line: 10)
        let known: Attributes = ["label": "x", "token": .secret(Secret(digest: "d", plaintext: "t"))]
        #expect(try Fake.plan([wanted], [Fake.has("a/vault.v", known)]).isEmpty)
        let plan = try Fake.plan([wanted], [Fake.has("a/vault.v", ["label": "x"], incomplete: "the key is lost")])
        #expect(plan.changeLines == ["update a/vault.v: its token is lost; apply makes it anew @10"])
        #expect(plan.changes[0].attributes == [AttributeChange(path: "token", before: nil, after: .unknown)])
        #expect(plan.drift.isEmpty)
    }

    @Test func secretsCompareByDigest() throws {
        func key(_ digest: String, _ text: String?) -> Attributes {
            ["key": .secret(Secret(digest: digest, plaintext: text))]
        }
        let wanted = Fake.wants("a/app.p", key("d1", "clear"))
        #expect(try Fake.plan([wanted], [Fake.has("a/app.p", key("d1", nil))]).isEmpty)
        #expect(try Fake.plan([wanted], [Fake.has("a/app.p", key("d2", nil))]).count(.update) == 1)
    }

    @Test func whatCannotBeReadIsSetAsideWithItsRoot() throws {
        let other = Fake.wants("a/box.other", ["label": "new"], line: 40)
        let plan = try Fake.plan(
            [wantsBox(), wantsApp(["label": "y"]), other], both + [Fake.has("a/box.other", ["label": "old"])],
            actual: ["a/app.p": .unreadable("connection refused")])
        #expect(plan.changes.map(\.address.text) == ["a/box.other"])
        #expect(plan.setAside.map(\.root.text) == ["a/box.b"])
        #expect(plan.setAside[0].code == .resourceUnreadable && plan.setAside[0].source == Fake.span(20))
        #expect(plan.setAside[0].message == "`a/app.p` cannot be read: connection refused")
    }

    /// An ended session, say.
    @Test func whatHoldsForManyIsSaidOnce() throws {
        let names = (1...9).map { "a/box.b\($0)" }
        func plan(_ reason: (String) -> String) throws -> Plan {
            try Fake.plan(
                names.map { Fake.wants($0, ["image": "i1"]) }, names.map { Fake.has($0, ["image": "i1"]) },
                actual: Dictionary(uniqueKeysWithValues: names.map { ($0, .unreadable(reason($0))) }))
        }
        let alike = try plan { _ in "the session has ended" }
        #expect(alike.setAside.count == 9 && alike.rootsSetAside.count == 9 && alike.faults.count == 1)
        #expect(alike.faults[0].notes.map(\.message) == ["so are 8 more: `a/box.b2`, `a/box.b3`, `a/box.b4` …"])
        #expect(try plan { "\($0) hangs" }.faults.count == 9)
    }

    @Test func unreadableUnderAChangingParentIsAWarning() throws {
        let plan = try Fake.plan(
            [wantsBox(["label": "y"]), wantsApp()], both, actual: ["a/app.p": .unreadable("connection refused")])
        #expect(plan.changeLines.count == 1)
        #expect(plan.diagnostics.map(\.severity) == [.warning])
    }
}
