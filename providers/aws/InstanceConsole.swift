import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The console of instances
/// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html).
public struct InstanceConsole: MachineConsole {
    private let ec2: EC2

    public init(_ client: AWSClient) { self.init(EC2(client, pace: Pace())) }

    init(_ ec2: EC2) { self.ec2 = ec2 }

    /// What the instance has written, as far as EC2 has kept it.
    /// - Throws: `ProviderError`.
    func text(_ step: EC2Step, of instance: String) async throws -> String {
        // `Latest` gives what is there at this moment, where the instance's type can; else what was there a minute ago.
        var answer = try await step.call(
            "GetConsoleOutput", ["InstanceId": instance, "Latest": "true"], settled: ["UnsupportedOperation"])
        if answer == nil { answer = try await step.call("GetConsoleOutput", ["InstanceId": instance]) }
        let bytes = answer?.word("output").flatMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters) }
        return bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    public func lastWords(of machine: Attributes, _ request: OperationRequest) async -> String? {
        guard let instance = machine["id"]?.stringValue, machine["region"] != nil else { return nil }
        var request = request
        request.prior = machine
        guard let step = try? EC2Step(ec2, request), let text = try? await text(step, of: instance) else { return nil }
        let end = Self.end(of: text)
        return end.isEmpty ? nil : end
    }

    /// The last lines in one line. What came from a first start stands before the keys that cloud-init writes at its end:
    /// the last of its lines are there in any case.
    static func end(of text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline)
            .map { String($0.filter { !$0.unicodeScalars.contains { $0.value < 32 } }) }
        let last = lines.indices.suffix(6)
        let own = lines.indices.filter { lines[$0].contains(Self.firstBoot) }.suffix(2)
        return String(Set(own).union(last).sorted().map { lines[$0] }.joined(separator: " | ").suffix(1500))
    }

    /// What the script of a first start says last; nil if it has said nothing.
    static func progress(in text: String) -> String? {
        text.split(whereSeparator: \.isNewline).last { $0.contains(firstBoot) }.flatMap { line in
            line.range(of: firstBoot).map { String(line[$0.upperBound...]) }
        }
    }

    private static let firstBoot = "osiris: first boot: "
}
