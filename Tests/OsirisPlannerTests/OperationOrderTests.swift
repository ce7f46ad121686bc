import OsirisModel
import Testing

@testable import OsirisPlanner

@Suite struct OperationOrderTests {
    @Test func createsComeAfterWhatTheyNeed() throws {
        let url: Value = .reference(AttributeReference(Fake.address("a/box.r"), "url"))
        let plan = try Fake.plan([
            Fake.wants("a/app.p", ["peer": url], on: "a/box.b", needs: ["a/box.d"]), Fake.wants("a/box.b"),
            Fake.wants("a/box.d"), Fake.wants("a/box.r"),
        ])
        #expect(
            plan.operationLines == ["create b", "create d", "create r", "create p [create b, create d, create r]"])
    }

    @Test func aDeleteComesAfterTheDeletesOfWhatNeededIt() throws {
        let plan = try Fake.plan([], [Fake.has("a/box.b"), Fake.has("a/app.p", on: "a/box.b")])
        #expect(plan.operationLines == ["delete p", "delete b [delete p]"])
    }

    @Test func aDeleteComesAfterTheUpdateThatLetsGo() throws {
        let plan = try Fake.plan(
            [Fake.wants("a/app.p", ["peer": "none"])],
            [Fake.has("a/box.b"), Fake.has("a/app.p", ["peer": "id-1"], needs: ["a/box.b"])])
        #expect(plan.operationLines == ["update p", "delete b [update p]"])
    }

    @Test func aReplacementDeletesThenCreates() throws {
        let plan = try Fake.plan(
            [Fake.wants("a/box.b", ["image": "i2"]), Fake.wants("a/app.p", on: "a/box.b")],
            [Fake.has("a/box.b", ["image": "i1"]), Fake.has("a/app.p", on: "a/box.b")])
        #expect(
            plan.operationLines == [
                "delete p", "delete b [delete p]", "create b [delete b]", "create p [create b, delete p]",
            ])
    }

    @Test func whatGoesWithItsParentIsForgotten() throws {
        let recorded = [
            Fake.has("a/box.b", ["image": "i1"]), Fake.has("a/note.n", on: "a/box.b"),
            Fake.has("a/note.m", on: "a/note.n"),
        ]
        let destroyed = try Fake.plan([], recorded, mode: .destroy)
        #expect(destroyed.operationLines == ["delete b", "forget n [delete b]", "forget m [forget n]"])
        // Made anew with a new parent: no delete of its own, a create after the parent's.
        let replaced = try Fake.plan(
            [Fake.wants("a/box.b", ["image": "i2"]), Fake.wants("a/note.n", on: "a/box.b")],
            [recorded[0], recorded[1]])
        #expect(replaced.operationLines == ["delete b", "create b [delete b]", "create n [create b, delete b]"])
        // Removed while the parent stays: a call like any other.
        let removed = try Fake.plan([Fake.wants("a/box.b", ["image": "i1"])], [recorded[0], recorded[1]])
        #expect(removed.operationLines == ["delete n"])
    }

    @Test func whatAForgottenObjectNeededIsDeletedAfterItsParent() throws {
        let plan = try Fake.plan(
            [], [Fake.has("a/box.b"), Fake.has("a/box.s"), Fake.has("a/note.n", on: "a/box.b", needs: ["a/box.s"])],
            mode: .destroy)
        #expect(plan.operationLines == ["delete b", "delete s [delete b]", "forget n [delete b]"])
    }

    /// The update waits for the new box, the new box for the old one's delete, and that for the app on it: the app
    /// cannot wait for the update as well.
    @Test func contradictingRulesMakeNoCircle() throws {
        let plan = try Fake.plan(
            [Fake.wants("a/box.x", ["image": "i2"]), Fake.wants("a/box.b", ["label": "y"], needs: ["a/box.x"])],
            [
                Fake.has("a/box.x", ["image": "i1"]), Fake.has("a/app.p", on: "a/box.x"),
                Fake.has("a/box.b", ["label": "x"], needs: ["a/box.x", "a/app.p"]),
            ])
        #expect(
            plan.operationLines == ["delete p", "delete x [delete p]", "create x [delete x]", "update b [create x]"])
    }

    @Test func recordsThatNeedEachOtherCanStillBeDeleted() throws {
        let plan = try Fake.plan(
            [], [Fake.has("a/box.x", needs: ["a/box.y"]), Fake.has("a/box.y", needs: ["a/box.x"])], mode: .destroy)
        #expect(plan.operationLines.count == 2)
    }

    @Test func theSameRequestGivesTheSameOperations() throws {
        let references = (0..<20).map { AttributeReference(Fake.address("a/box.b\($0)"), "id") }
        let env = Dictionary(uniqueKeysWithValues: references.enumerated().map { ("k\($0)", Value.reference($1)) })
        let wanted = (0..<20).map { Fake.wants("a/box.b\($0)") } + [Fake.wants("a/app.p", ["env": .map(env)])]
        let first = try Fake.plan(wanted)
        for _ in 0..<5 { #expect(try Fake.plan(wanted).operations == first.operations) }
        #expect(first.operations[0].needs == first.operations[0].needs.sorted())
    }
}
