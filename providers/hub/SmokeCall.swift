import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The call that must answer before a function counts as deployed.
struct SmokeCall: Sendable {
    let address: ResourceAddress
    let function: FunctionSpec
    let smoke: FunctionSpec.Smoke

    /// - Throws: `ProviderError` with what was expected and what came.
    func run(_ client: HubClient) async throws {
        let path = "/function/\(function.namespace)/\(function.name)"
        let answer: HubClient.Answer
        do {
            answer = try await client.call(
                "POST", path, body: smoke.input, timeout: .milliseconds(smoke.withinMilliseconds))
        } catch HubClient.Failure.noAnswer {
            throw rejected("did not answer within \(smoke.withinMilliseconds) ms")
        } catch let failure as HubClient.Failure {
            throw ProviderError(.transient, "\(address): smoke call: \(failure.reason)")
        }
        guard (200..<300).contains(answer.status) else {
            throw rejected("answered \(answer.status): \(clipped(answer.problem))")
        }
        guard let expected = smoke.expect else { return }
        guard let actual = answer.json, expected.mismatches(with: actual).isEmpty else {
            throw rejected(
                "expected \(expected.jsonText.prefix(300)), came \(clipped(String(decoding: answer.body, as: UTF8.self)))"
            )
        }
    }

    private func rejected(_ what: String) -> ProviderError {
        ProviderError(
            .rejected, "\(address): the smoke call \(what)",
            help: "mend the function or its `smoke`, then apply again")
    }

    /// Short and on one line. Nothing of what a function with secrets says: it may answer them, in any spelling.
    private func clipped(_ text: String) -> String {
        if !function.secrets.isEmpty || function.env.values.contains(where: \.isSecret) {
            return "an answer that is not shown, because the function has secrets"
        }
        let line = String(text.map { $0.isNewline ? " " : $0 })
        return line.count > 300 ? line.prefix(300) + "…" : line
    }
}
