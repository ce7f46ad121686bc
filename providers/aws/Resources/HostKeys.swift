import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `hostKeys` type: the keys that an instance made for its sshd at its first start, from its console. cloud-init writes
/// them there (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/connection-prereqs-general.html), and EC2 hands them out
/// over a signed connection: so nobody in between can be taken for the instance, and no key has to be put into it.
struct HostKeys: ResourceHandler {
    static let type = ResourceType(
        name: "hostKeys", doc: "The host keys of an instance, read from its console at its first start.",
        schema: Schema([
            Field("instance", .string, required: true, forcesReplacement: true, doc: "The instance."),
            Field("region", .string, required: true, forcesReplacement: true, doc: "The region it is in."),
            Field("account", .map(of: .string), doc: "How its account is reached; absent: as the environment says."),
            Field("keys", .list(of: .string), role: .computed, doc: "`TYPE BASE64` of each."),
        ]), goneWithParent: true, outage: .init(update: .zero),
        // It does nothing but wait for a machine that starts.
        perSlot: Launches.most)

    let ec2: EC2
    var type: ResourceType { Self.type }

    /// They stay the same for as long as the instance is the same.
    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        requests.map { .present($0.recorded) }
    }

    func create(_ request: OperationRequest) async throws -> Attributes {
        let step = try EC2Step(ec2, request)
        // cloud-init writes them when the script of the first start has ended.
        let deadline = ContinuousClock.now + ec2.pace.firstBoot
        var attempt = 0
        var text = ""
        while true {
            text = try await InstanceConsole(ec2).text(step, of: step["instance"])
            let keys = Self.keys(in: text)
            if !keys.isEmpty {
                if let done = InstanceConsole.progress(in: text), done.contains(" failed ") {
                    request.progress("its first start did not come to its end: \(done)")
                }
                var found = request.planned.filter { $0.value != .null }
                found["keys"] = .list(keys.map(Value.string))
                return found
            }
            guard ContinuousClock.now < deadline else { break }
            let done = InstanceConsole.progress(in: text)
            request.progress("waiting for its first start" + (done.map { ": \($0)" } ?? ""))
            try await Task.sleep(for: ec2.pace.pause(attempt))
            attempt += 1
        }
        throw ProviderError(
            .rejected,
            "\(request.address): the console of \(step["instance"]) has no host keys; it ends with: \(InstanceConsole.end(of: text))",
            help: "an image with cloud-init writes them there at its first start; name another image")
    }

    /// Only the account is another.
    func update(_ request: OperationRequest) async throws -> Attributes {
        var found = request.planned.filter { $0.value != .null }
        found["keys"] = request.prior["keys"]
        return found
    }

    /// Those between the marks of cloud-init, the last ones if it wrote them more than once.
    static func keys(in console: String) -> [String] {
        let end = "-----END SSH HOST KEY KEYS-----"
        guard let start = console.range(of: "-----BEGIN SSH HOST KEY KEYS-----", options: .backwards),
            let stop = console.range(of: end, range: start.upperBound..<console.endIndex)
        else { return [] }
        return console[start.upperBound..<stop.lowerBound].split(whereSeparator: \.isNewline).compactMap { line in
            // A console may put a time before the line.
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let type = words.firstIndex(where: { $0.hasPrefix("ssh-") || $0.hasPrefix("ecdsa-") }),
                type + 1 < words.count, Data(base64Encoded: String(words[type + 1])) != nil
            else { return nil }
            return "\(words[type]) \(words[type + 1])"
        }
    }

    // It is a look at the instance, and nothing that could be doubled, left behind or overtaken.
    func delete(_ request: OperationRequest) async throws {}
    func move(_ request: OperationRequest, from: ResourceAddress) async throws {}
    func resolve(_ request: OperationRequest) async throws -> IntentResolution { .notLanded }
    func fence(_ request: OperationRequest) async throws {}
    /// After a loss of the state they are read from the console again.
    func discover(_ request: DiscoveryRequest) async -> Discovery { Discovery() }
}
