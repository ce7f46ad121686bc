import Foundation
import OsirisModel
import OsirisPlanner
import Testing

@testable import OsirisRender

@Suite struct FleetSizeTests {
    /// Machines with a hub and twelve functions each.
    private static func plan(machines: Int) -> Plan {
        var changes: [ResourceChange] = []
        for machine in 1000..<1000 + machines {
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
    }

    /// The time a processor spends on it; nothing else that the machine does is in it.
    private static func cost(_ work: () -> Void) -> Duration {
        func spent() -> Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
        let start = spent()
        work()
        return spent() - start
    }

    @Test func thirteenThousandChangesFoldIntoAFewLines() {
        let (plan, small) = (Self.plan(machines: 1000), Self.plan(machines: 100))
        var text = ""
        let tenth = Self.cost { text = PlanText.render(small, style: TextStyle()) }
        let whole = Self.cost { text = PlanText.render(plan, style: TextStyle()) }
        print("1,300 changes as text: \(tenth), 13,000: \(whole)")
        #expect(text.split(separator: "\n").count < 12, "\(text)")
        #expect(text.contains("+ fleet/function.…  12,000 resources: m1000.demo.f0 … m1999.demo.f9"))
        // Ten times as many cost about ten times as much; a hundred times is what comparing all with all would cost.
        #expect(whole < tenth * 40)
        let json = ContinuousClock().measure { text = PlanJSON.render(plan) }
        let all = ContinuousClock().measure { text = PlanText.render(plan, style: TextStyle(), verbosity: .verbose) }
        print("as JSON: \(json), verbose: \(all), \(text.utf8.count) bytes")
    }
}
