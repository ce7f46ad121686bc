import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// One operation on one object: its calls, with what they have in common.
struct EC2Step: Sendable {
    let ec2: EC2
    let request: OperationRequest
    let place: AWSPlace

    init(_ ec2: EC2, _ request: OperationRequest) throws {
        self.ec2 = ec2
        self.request = request
        let known = request.prior["region"] == nil ? request.planned : request.prior
        place = try ec2.place(of: request.address, known, in: request.cluster)
    }

    /// A planned argument as text.
    subscript(name: String) -> String { request.planned[name]?.stringValue ?? "" }

    /// All tags of what is made.
    var tags: [String: String] { ownTags.merging(CloudMarks(request).tags) { $1 } }

    /// Without the marks.
    var ownTags: [String: String] { (request.planned["tags"]?.mapValue ?? [:]).compactMapValues(\.stringValue) }

    /// Calls, and waits while something new is not known yet, or something old is still in use.
    /// - Parameters:
    ///   - settled: codes of errors that say it is as asked already.
    ///   - isRemoval: true if an object that is not there is what was asked for.
    /// - Returns: nil if it was as asked already.
    /// - Throws: `ProviderError`.
    @discardableResult
    func call(
        _ action: String, _ parameters: QueryParameters, settled: Set<String> = [], isRemoval: Bool = false
    ) async throws -> XMLNode? {
        let isSettled = { (error: AWSError) in settled.contains(error.code) || (isRemoval && error.isNotFound) }
        do {
            return try await patiently(isSettled) { try await ec2.client.call(action, parameters, at: place) }
        } catch let error as AWSError {
            if isSettled(error) { return nil }
            throw failure(error)
        }
    }

    /// What is called, and waits as `call` does.
    /// - Parameter isSettled: errors that must not be waited out.
    /// - Throws: `AWSError`.
    func patiently<Answer>(
        _ isSettled: (AWSError) -> Bool = { _ in false }, _ body: () async throws -> Answer
    ) async throws -> Answer {
        let begin = ContinuousClock.now
        var attempt = 0
        while true {
            do {
                return try await heard(body)
            } catch let error as AWSError where !isSettled(error) {
                let longest: Duration
                if error.code == "DependencyViolation" {
                    longest = ec2.pace.dependency
                } else if error.isNotFound, ec2.book.hasNew(references, within: ec2.pace.newness) {
                    longest = ec2.pace.newness
                } else {
                    throw error
                }
                guard ContinuousClock.now - begin < longest else { throw error }
                request.progress("waiting: \(error.message)")
                try await Task.sleep(for: ec2.pace.pause(attempt))
                attempt += 1
            }
        }
    }

    /// Does what may have to wait for EC2, and says so on the operation's line.
    func heard<Answer>(_ body: () async throws -> Answer) async rethrows -> Answer {
        try await AWSClient.$progress.withValue(.init { text, _ in request.progress(text) }) { try await body() }
    }

    func failure(_ error: AWSError) -> ProviderError {
        if error.kind == .answerLost { ec2.book.lost(request.token) }
        return error.providerError(request.address.text, attribute: Self.attributes[error.code])
    }

    /// What an error complains about.
    private static let attributes = [
        "InvalidAMIID.NotFound": "image", "InvalidAMIID.Malformed": "image", "InvalidAMIID.Unavailable": "image",
        "InsufficientInstanceCapacity": "type", "VcpuLimitExceeded": "type", "InstanceLimitExceeded": "type",
        "InvalidInstanceType": "type", "Unsupported": "type", "InvalidVpc.Range": "cidr",
        "InvalidSubnet.Range": "cidr", "InvalidSubnet.Conflict": "cidr", "InvalidKey.Format": "publicKey",
        "InvalidKeyPair.Duplicate": "name",
    ]

    /// Identities of what the operation is about and refers to.
    private var references: [String] {
        (Array(request.planned.values) + [request.prior["id"] ?? .null]).flatMap { value in
            value.stringValue.map { [$0] } ?? value.listValue?.compactMap(\.stringValue) ?? []
        }
    }
}

extension EC2Step {
    /// Calls what makes an object, and answers its identity, which stands at `path`.
    func make(_ action: String, _ parameters: QueryParameters, _ path: String) async throws -> (String, Attributes) {
        let answer = try await call(action, parameters)
        guard let id = answer?.word(path) else {
            throw ProviderError(.answerLost, "\(request.address): \(action) answers without \(path)")
        }
        return (id, [:])
    }
    /// Makes an instance, together with those that are asked for at the same moment and are alike.
    /// - Parameters:
    ///   - tags: besides the marks.
    ///   - script: what it does at its first start.
    /// - Returns: its identity.
    func launch(_ parameters: QueryParameters, _ tags: [String: String], _ script: String?) async throws -> String {
        let launch = Launch(
            place: place, target: String(request.address.target), parameters: parameters, tags: tags)
        let member = LaunchMember(marks: CloudMarks(request), script: script)
        do {
            return try await patiently { try await ec2.launches.make(member, of: launch) }
        } catch let error as UserData.TooLarge {
            throw ProviderError(
                .rejected,
                "\(request.address): its user data takes \(error.size) bytes compressed, and EC2 allows \(UserData.most)",
                help: "make `spec.hub.settings` shorter, or send an `archive` in place of `image`", attribute: "boot")
        } catch let error as AWSError {
            throw failure(error)
        }
    }
}
