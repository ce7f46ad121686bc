import Foundation
import OsirisModel
import OsirisPlanner
import Testing

@testable import OsirisRender

@Suite struct PlanTextTests {
    @Test(arguments: SamplePlans.all.map(\.name)) func goldens(_ name: String) {
        let plan = SamplePlans.all.first { $0.name == name }!.plan
        Golden.expect(PlanText.render(plan, style: TextStyle()), "\(name).80.txt")
        Golden.expect(PlanText.render(plan, style: TextStyle(width: 140)), "\(name).140.txt")
    }

    @Test func colour() {
        Golden.expect(PlanText.render(SamplePlans.mixed, style: TextStyle(color: true)), "mixed.color.txt")
    }

    @Test(arguments: ["mixed", "fleet", "delete"]) func verbosities(_ name: String) {
        let plan = SamplePlans.all.first { $0.name == name }!.plan
        Golden.expect(PlanText.render(plan, style: TextStyle(), verbosity: .concise), "\(name).concise.txt")
        Golden.expect(PlanText.render(plan, style: TextStyle(), verbosity: .verbose), "\(name).verbose.txt")
    }

    /// Drift names keys, and the plan the whole mapping when all of it went.
    @Test func aMappingThatWentIsSetBack() {
        let address = ResourceAddress("use1/securityGroup.main")!
        let rule: Value = ["from": "0.0.0.0/0"]
        let drift = ResourceDrift(
            address: address, attributes: [AttributeChange(path: "rules.tcp 22", before: rule, after: nil)], gone: false
        )
        var change = ResourceChange(
            address: address, provider: "aws", action: .update, reason: .drifted(["rules"]), source: nil,
            attributes: [AttributeChange(path: "rules", before: [:], after: ["tcp 22": rule])])
        #expect(DriftText.consequence(drift, change) == "apply sets rules.tcp 22 back")
        change.attributes = [AttributeChange(path: "rules", before: [:], after: ["tcp 443": rule])]
        #expect(
            DriftText.consequence(drift, change) == "apply sets rules.tcp 22 to what the manifest says now")
    }

    @Test(arguments: [80, 100, 140, 200]) func linesFit(_ width: Int) {
        for (name, plan) in SamplePlans.all {
            for verbosity in [PlanText.Verbosity.concise, .normal] {
                let text = PlanText.render(plan, style: TextStyle(width: width), verbosity: verbosity)
                for line in text.split(separator: "\n") where !line.contains("/") {
                    #expect(PrintableText.width(line) <= width, "\(name) at \(width): \(line)")
                }
            }
        }
    }

    @Test func neverAClearSecretNorAControlCharacter() {
        for (name, plan) in SamplePlans.all {
            for verbosity in [PlanText.Verbosity.concise, .normal, .verbose] {
                let text = PlanText.render(plan, style: TextStyle(), verbosity: verbosity)
                #expect(!text.contains("hunter2"), "\(name)")
                let controls = text.unicodeScalars.filter {
                    $0 != "\n" && ($0.properties.generalCategory == .control || $0 == "\u{202E}")
                }
                #expect(controls.isEmpty, "\(name)")
            }
            #expect(!PlanJSON.render(plan).contains("hunter2"), "\(name)")
        }
    }
}
