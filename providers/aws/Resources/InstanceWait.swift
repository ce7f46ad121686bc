import OsirisProviderKit
import OsirisTransport

/// Waits for an instance to come to a state. All that wait at once share one listing.
struct InstanceWait: Sendable {
    private let instance: Instance
    private let step: EC2Step
    private let id: String

    init(_ instance: Instance, _ step: EC2Step, _ id: String) {
        (self.instance, self.step, self.id) = (instance, step, id)
    }

    private var ec2: EC2 { instance.ec2 }

    /// - Returns: the instance as it was listed.
    /// - Throws: `ProviderError` if it does not come to the state in time, or ends.
    @discardableResult
    func until(_ state: String, _ holds: (XMLNode) -> Bool = { _ in true }) async throws -> XMLNode {
        var last = "not listed"
        let outcome = try await poll { item -> Outcome? in
            guard let item else { return ec2.book.hasNew([id], within: ec2.pace.newness) ? nil : .ended }
            last = item.text("instanceState/name") ?? "in no state"
            if last == state && holds(item) { return .reached(item) }
            if instance.hasEnded(item) { return .ended }
            step.request.progress("waiting for `\(state)`, it is `\(last)`")
            return nil
        }
        if case .reached(let item) = outcome { return item }
        throw ProviderError(
            .rejected,
            "\(step.request.address): instance \(id) did not come to `\(state)`, it is \(last)\(await reason())",
            help: "see the console of EC2 for the cause; the next apply goes on from what is there")
    }

    /// - Throws: `ProviderError` if it is still there after a long time.
    func untilGone() async throws {
        let isGone: Void? = try await poll { $0 == nil ? () : nil }
        guard isGone == nil else { return }
        throw ProviderError(
            .rejected, "\(step.request.address): instance \(id) was told to end and is still there",
            help: "apply again goes on waiting")
    }

    private enum Outcome {
        case reached(XMLNode)
        case ended
    }

    /// - Parameter look: nil to look again.
    /// - Returns: nil if it took too long.
    private func poll<Answer>(_ look: (XMLNode?) -> Answer?) async throws -> Answer? {
        let deadline = ContinuousClock.now + ec2.pace.instance
        let question = instance.question(step.place, step.request.cluster)
        var attempt = 0
        while ContinuousClock.now < deadline {
            let items: [XMLNode]
            do {
                // The first look is soon; all that wait share the later ones.
                let pause = attempt == 0 ? .milliseconds(20) : ec2.pace.pause(attempt)
                items = try await step.heard { try await ec2.listings.fresh(question, pause: pause) }
            } catch let error as AWSError {
                throw step.failure(error)
            }
            try Task.checkCancellation()
            if let answer = look(items.first { $0.text(instance.kind.id) == id }) { return answer }
            attempt += 1
        }
        return nil
    }

    /// Why EC2 ended it, if it says so.
    private func reason() async -> String {
        let found = try? await ec2.client.list(
            "DescribeInstances", ["InstanceId.1": id], items: "reservationSet", at: step.place)
        let text = found?.first?.items("instancesSet").first?.word("stateReason/message")
        return text.map { ": \($0)" } ?? ""
    }
}
