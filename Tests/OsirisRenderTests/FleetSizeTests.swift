import OsirisModel
import OsirisPlanner
import Testing

@testable import OsirisRender

@Suite struct FleetSizeTests {
    /// 1,000 machines with a hub and twelve functions each.
    private static let plan: Plan = {
        var changes: [ResourceChange] = []
        for machine in 1000..<2000 {
            changes.append(
                Sample.change(
                    "fleet/hub.m\(machine)", .update, .manifestChanged(["version"]), line: 6,
                    [
                        Sample.turn("url", .string("http://m\(machine)"), .unknown),
                        Sample.turn("version", "1", "2"),
                    ]))
            for function in 0..<12 {
                changes.append(
                    Sample.createdFunction("fleet/function.m\(machine).demo.f\(function)", line: 20 + function))
            }
        }
        return Plan(
            mode: .apply, cluster: "edge", lineage: "l", serial: 1, manifestDigest: "d",
            changes: changes.sorted { $0.address < $1.address }, drift: [], noopCount: 0, operations: [])
    }()

    @Test func thirteenThousandChangesFoldIntoAFewLines() {
        let plan = Self.plan
        var text = ""
        let took = ContinuousClock().measure { text = PlanText.render(plan, style: TextStyle()) }
        print("13,000 changes as text: \(took)")
        #expect(text.split(separator: "\n").count < 12, "\(text)")
        #expect(text.contains("+ fleet/function.…  12,000 resources: m1000.demo.f0 … m1999.demo.f9"))
        // Ten times what a debug build needs; a release build is far below a tenth of a second.
        #expect(took < .seconds(5))
        let json = ContinuousClock().measure { text = PlanJSON.render(plan) }
        let all = ContinuousClock().measure { text = PlanText.render(plan, style: TextStyle(), verbosity: .verbose) }
        print("as JSON: \(json), verbose: \(all), \(text.utf8.count) bytes")
    }
}
