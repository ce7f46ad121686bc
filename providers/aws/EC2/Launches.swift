import OsirisModel
import OsirisProviderKit
import OsirisTransport
import Synchronization

/// What instances have in common that one call can make.
struct Launch: Hashable, Sendable {
    var place: AWSPlace
    /// Whose machines they are.
    var target: String
    /// Of RunInstances, without tags, numbers and token.
    var parameters: QueryParameters
    /// Besides the marks.
    var tags: [String: String]
}

/// One of the machines of a call.
struct LaunchMember: Hashable, Sendable {
    var marks: CloudMarks
    /// What it does at its first start.
    var script: String?
}

/// Makes instances that are asked for at the same moment and are alike by one RunInstances.
///
/// A call makes the first so many of its members, by their launch index, or none. When its answer is lost, its members may
/// be there: they are asked for again by the same call with the same client token, never in other company.
struct Launches: Sendable {
    /// One call.
    struct Batch: Hashable, Sendable {
        var launch: Launch
        /// By launch index.
        var members: [LaunchMember]
    }

    /// Most of one call, so that its lists go into a tag.
    static let most = 25

    private let client: AWSClient
    private let unsure = Unsure()
    private let fresh: Gather<Launch, LaunchMember, String>
    private let again: Gather<Batch, LaunchMember, String?>

    init(_ client: AWSClient) {
        self.client = client
        let unsure = unsure
        fresh = Gather(most: Self.most) { launch, members in
            await Self.makeAll(members, of: launch) { try await Self.run($0, client, unsure) }
        }
        again = Gather(most: Self.most) { batch, members in
            do {
                let made = try await Self.run(batch, client, unsure)
                return members.map { .success(made[$0.marks]) }
            } catch {
                return members.map { _ in .failure(error) }
            }
        }
    }

    /// - Returns: the identity of the instance.
    /// - Throws: `AWSError`, with the kind `.answerLost` if the instance may be there.
    func make(_ member: LaunchMember, of launch: Launch) async throws -> String {
        if let batch = unsure[member.marks], let id = try await again.add(member, to: batch) { return id }
        return try await fresh.add(member, to: launch)
    }

    /// As many as there is room for: EC2 makes fewer than asked for where it has no more, and nothing at all where an
    /// account may not have all of them; then fewer are asked for. So they are when all of them cannot have one user data.
    private static func makeAll(
        _ members: [LaunchMember], of launch: Launch, _ run: (Batch) async throws -> [CloudMarks: String]
    ) async -> [Result<String, any Error>] {
        var answers: [CloudMarks: Result<String, any Error>] = [:]
        var waiting = members
        var size = members.count
        while !waiting.isEmpty {
            let batch = Batch(launch: launch, members: Array(waiting.prefix(size)))
            do {
                let made = try await run(batch)
                answers.merge(made.mapValues { .success($0) }) { $1 }
                waiting.removeAll { made[$0.marks] != nil }
            } catch  where batch.members.count > 1 && Self.wantsRoom(error) {
                size = batch.members.count / 2
            } catch {
                for member in waiting { answers[member.marks] = .failure(error) }
                waiting = []
            }
        }
        return members.map { answers[$0.marks]! }
    }

    /// Whether fewer of the same might do.
    private static func wantsRoom(_ error: any Error) -> Bool {
        if error is UserData.TooLarge || error is SharedScript.Unlike { return true }
        guard let error = error as? AWSError, error.kind == .rejected else { return false }
        return error.code.hasSuffix("LimitExceeded") || error.code.hasPrefix("Insufficient")
    }

    /// - Returns: identities of those that were made, at least one.
    private static func run(_ batch: Batch, _ client: AWSClient, _ unsure: Unsure) async throws -> [CloudMarks: String]
    {
        let parameters = try batch.parameters
        do {
            let answer = try await client.call("RunInstances", parameters, at: batch.launch.place)
            var made: [CloudMarks: String] = [:]
            for item in answer.items("instancesSet") {
                guard let id = item.word("instanceId"), let index = item.text("amiLaunchIndex").flatMap({ Int($0) }),
                    batch.members.indices.contains(index)
                else { continue }
                made[batch.members[index].marks] = id
            }
            guard !made.isEmpty else {
                throw AWSError(
                    kind: .answerLost, action: "RunInstances", region: batch.launch.place.region, code: "",
                    message: "the answer has no instances", status: 200, requestID: nil, mayHaveTakenEffect: true)
            }
            unsure.remove(batch)
            return made
        } catch var error as AWSError where error.kind != .rejected && error.mayHaveTakenEffect {
            unsure.insert(batch)
            error.kind = .answerLost
            throw error
        } catch {
            unsure.remove(batch)
            throw error
        }
    }

    /// Calls without an answer, by their members. In memory only: another process asks EC2 for the members one by one.
    private final class Unsure: Sendable {
        private let batches = Mutex<[CloudMarks: Batch]>([:])

        subscript(member: CloudMarks) -> Batch? { batches.withLock { $0[member] } }

        func insert(_ batch: Batch) { set(batch, batch) }
        func remove(_ batch: Batch) { set(batch, nil) }

        private func set(_ batch: Batch, _ value: Batch?) {
            batches.withLock { all in
                for member in batch.members { all[member.marks] = value }
            }
        }
    }
}

extension Launches.Batch {
    /// - Throws: `UserData.TooLarge`, `SharedScript.Unlike`.
    var parameters: QueryParameters {
        get throws {
            var parameters = launch.parameters
            (parameters["MinCount"], parameters["MaxCount"]) = ("1", String(members.count))
            parameters["ClientToken"] = token
            let tags = launch.tags.merging(CloudMarks.tags(of: members.map(\.marks))) { $1 }
            for tagged in [EC2Kind.instance.tagged, EC2Kind.volume.tagged] { parameters.tags(tagged, tags) }
            let scripts = members.compactMap(\.script)
            if !scripts.isEmpty { parameters["UserData"] = try UserData.text(scripts) }
            return parameters
        }
    }

    /// At most 64 characters. One machine alone has the token of its operation, which later runs know as well.
    private var token: String {
        if members.count == 1 { return members[0].marks.operation }
        return Digest.hex(Digest.sha256Bytes(members.map(\.marks.operation).joined(separator: " ").utf8))
    }
}
