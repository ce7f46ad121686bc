import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import Testing

@testable import OsirisPlanner

/// What a plan does about an end that comes nearer. Days are counted from the clock the plan is given.
@Suite struct ExpiryTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func pass(_ days: Double, _ changes: Attributes = [:]) -> Attributes {
        let end = (now + days * 86400).formatted(.iso8601)
        return ["signer": "s", "ends": .string(end), "serial": "1"].merging(changes) { $1 }
    }

    private func plan(
        _ days: Double, wants: Attributes = ["signer": "s"], incomplete: String? = nil, changes: Attributes = [:]
    ) throws -> Plan {
        try Fake.plan(
            [Fake.wants("a/pass.p", wants, line: 10)],
            [Fake.has("a/pass.p", pass(days, changes), incomplete: incomplete)], now: now)
    }

    @Test func longBeforeItNothingIsSaid() throws {
        for days in [45, 46, 90, 36500] as [Double] {
            let plan = try plan(days)
            #expect(plan.isEmpty && plan.diagnostics.isEmpty && plan.noopCount == 1)
        }
    }

    @Test func halfwayThePlanWarns() throws {
        for days in [44.9, 40, 30] as [Double] {
            let plan = try plan(days)
            #expect(plan.isEmpty && plan.diagnostics.map(\.code) == [.expiresSoon], "\(days)")
            #expect(plan.diagnostics[0].severity == .warning && plan.diagnostics[0].span?.start.line == 10)
            #expect(plan.diagnostics[0].message.contains("expires in \(Int(days)) days"))
            #expect(plan.diagnostics[0].help?.contains("30 days") == true)
        }
    }

    @Test(arguments: [
        (29.9, "expires in 29 days"), (1.5, "expires in 1 day"), (0.5, "expires in less than a day"),
        (-0.5, "has expired"), (-1.5, "expired 1 day ago"), (-3.2, "expired 3 days ago"),
    ])
    func inTheLastThirdItIsRenewed(days: Double, text: String) throws {
        let plan = try plan(days)
        #expect(plan.changeLines == ["update a/pass.p: rotate pass: \(text) @10"])
        #expect(plan.changes[0].attributes.map(\.path) == ["ends", "serial"])
        #expect(plan.changes[0].attributes.allSatisfy { $0.after == .unknown })
        #expect(plan.diagnostics.isEmpty && plan.drift.isEmpty)
    }

    /// Who takes a value that is renewed does not know it yet.
    @Test func dependantsFollow() throws {
        let peer = Value.reference(AttributeReference(Fake.address("a/pass.p"), "serial"))
        let wanted = [Fake.wants("a/pass.p", ["signer": "s"], line: 1), Fake.wants("a/box.b", ["peer": peer], line: 5)]
        let box = Fake.has("a/box.b", ["peer": "1", "size": 1, "id": "i", "url": "u", "load": 1])
        #expect(try Fake.plan(wanted, [Fake.has("a/pass.p", pass(60)), box], now: now).isEmpty)
        let plan = try Fake.plan(wanted, [Fake.has("a/pass.p", pass(10)), box], now: now)
        #expect(
            plan.changeLines == [
                "update a/box.b: peer follows a/pass.p @6", "update a/pass.p: rotate pass: expires in 10 days @1",
            ])
    }

    @Test func anotherCauseIsTold() throws {
        let changed = try plan(10, wants: ["signer": "s", "label": "x"])
        #expect(changed.changeLines == ["update a/pass.p: label changed in the manifest @11"])
        #expect(changed.changes[0].attributes.map(\.path) == ["ends", "label", "serial"])
        let failed = try plan(10, incomplete: "it fell over")
        #expect(failed.changeLines == ["update a/pass.p: its last apply did not finish: it fell over @10"])
        let asked = try plan(60, incomplete: ResourceRecord.rotationAsked)
        #expect(asked.changeLines.first?.contains("asked for with `osiris hub rotate-ca`") == true)
        // A new signer means a new end: there is nothing to warn of.
        #expect(try plan(40, wants: ["signer": "t"]).diagnostics.isEmpty)
    }

    @Test func whatIsNotThereHasNoEnd() throws {
        let made = try Fake.plan([Fake.wants("a/pass.p")], now: now)
        #expect(made.changes[0].attributes.map(\.path) == [])
        let signed = try Fake.plan([Fake.wants("a/pass.p", ["signer": "s"])], now: now)
        #expect(signed.changes[0].attributes.map(\.path) == ["ends", "serial", "signer"])
        for ends in [nil, "soon"] as [Value?] {
            var attributes = pass(1)
            attributes["ends"] = ends
            let plan = try Fake.plan(
                [Fake.wants("a/pass.p", ["signer": "s"])], [Fake.has("a/pass.p", attributes)], now: now)
            #expect(plan.isEmpty && plan.diagnostics.isEmpty)
        }
    }

    @Test func aDestroyRenewsNothing() throws {
        let plan = try Fake.plan([], [Fake.has("a/pass.p", pass(1))], mode: .destroy, now: now)
        #expect(plan.changeLines.count == 1 && plan.changes[0].action == .delete && plan.diagnostics.isEmpty)
    }
}
