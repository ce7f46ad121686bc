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
        guard let actual = answer.json, Self.matches(expected, actual) else {
            throw rejected(
                "expected \(clipped(expected.jsonText)), came \(clipped(String(decoding: answer.body, as: UTF8.self)))")
        }
    }

    /// Objects are compared by the expected keys, all else for equality; a number is a number.
    static func matches(_ expected: Value, _ actual: Value) -> Bool {
        switch (expected, actual) {
        case (.map(let wanted), .map(let found)):
            wanted.allSatisfy { name, value in found[name].map { matches(value, $0) } ?? false }
        case (.list(let wanted), .list(let found)):
            wanted.count == found.count && zip(wanted, found).allSatisfy(matches)
        case (.int(let wanted), .double(let found)): Double(wanted) == found
        case (.double(let wanted), .int(let found)): wanted == Double(found)
        default: expected == actual
        }
    }

    private func rejected(_ what: String) -> ProviderError {
        ProviderError(
            .rejected, "\(address): the smoke call \(what)",
            help: "try it by hand: osiris functions call \(function.namespace)/\(function.name)")
    }

    /// Short, on one line, and without the function's secrets, which a function may well answer.
    private func clipped(_ text: String) -> String {
        var text = text
        for secret in function.secrets.values {
            if let clear = secret.stringValue, !clear.isEmpty { text = text.replacing(clear, with: "(secret)") }
        }
        text = String(text.map { $0.isNewline ? " " : $0 })
        return text.count > 300 ? text.prefix(300) + "…" : text
    }
}
