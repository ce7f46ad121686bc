import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The steps of deploying one function: put, wait until it is ready, smoke call.
struct HubDeployment: Sendable {
    let request: OperationRequest
    let client: HubClient
    private let name: String
    private let namespace: String

    /// From the last sign that the hub prepares the function's start.
    static let longestWait: Duration = .seconds(60)

    init(_ request: OperationRequest, _ client: HubClient) {
        self.request = request
        self.client = client
        let known = request.planned.isEmpty ? request.prior : request.planned
        let identity = identity(known, request.address)
        name = identity["name"]?.stringValue ?? ""
        namespace = identity["namespace"]?.stringValue ?? ""
    }

    /// As the manifest has it.
    private var function: FunctionSpec? {
        request.cluster.functions.first { $0.name == name && $0.namespace == namespace }
    }

    /// What a function that a create of ours deployed still lacks, in one sentence; nil if nothing. Only asks.
    func missing(_ status: FunctionStatus) -> String? {
        if !status.isReady { return "it was not ready: \(status.lastError ?? status.state)" }
        // No hub keeps what a smoke call answered.
        return function?.smoke == nil ? nil : "nobody knows whether its smoke call answered"
    }

    /// Hands the function to the hub, which answers once it is stored.
    func put() async throws -> (version: Int?, isNew: Bool) {
        let body = try DeployBody.make(request)
        request.progress("sending the function")
        let answer: HubClient.Answer
        do {
            answer = try await client.call(
                "PUT", "/system/functions", body: body, timeout: .seconds(60), owner: request.owner)
        } catch let failure as HubClient.Failure {
            if case .noAnswer(let reason) = failure {
                throw ProviderError(.answerLost, "\(request.address): no answer to the deployment: \(reason)")
            }
            throw unreachable(failure)
        }
        guard (200..<300).contains(answer.status) else { throw refused(answer, "deployment") }
        return (answer.json?.mapValue?["version"]?.intValue, answer.status == 201)
    }

    /// Deploys a kept version again.
    /// - Returns: its new number; the old one if that is what is deployed.
    func rollBack(to version: Int) async throws -> Int? {
        request.progress("going back to version \(version)")
        let answer: HubClient.Answer
        do {
            answer = try await client.call(
                "POST", "/system/rollback-function/\(name)?namespace=\(namespace)", body: ["version": .int(version)],
                timeout: .seconds(60), owner: request.owner)
        } catch let failure as HubClient.Failure {
            // Repeated, it finds that content deployed already.
            throw unreachable(failure)
        }
        guard (200..<300).contains(answer.status) else { throw refused(answer, "rollback") }
        return answer.json?.mapValue?["version"]?.intValue
    }

    /// Puts the marks of the request's address in the place of those that the function has.
    func annotate() async throws {
        var marks: [String: Value] = [FunctionStatus.addressKey: .string(request.address.text)]
        if !request.owner.lineage.isEmpty { marks[FunctionStatus.lineageKey] = .string(request.owner.lineage) }
        let answer: HubClient.Answer
        do {
            answer = try await client.call(
                "POST", "/system/annotate-function/\(name)?namespace=\(namespace)",
                body: ["annotations": .map(marks)], owner: request.owner)
        } catch let failure as HubClient.Failure {
            throw unreachable(failure)
        }
        if answer.status == 404 {
            throw ProviderError(
                .rejected, "\(request.address): hub \(client.url) cannot rename what it runs: \(answer.problem)",
                help: "a hub of an older release cannot; apply without `moved` first, which brings this release's hub")
        }
        guard answer.status == 200 else { throw refused(answer, "rename") }
    }

    /// Makes the hub refuse every run before this one.
    func fence() async throws {
        let answer: HubClient.Answer
        do {
            answer = try await client.call("PUT", "/system/fence", owner: request.owner)
        } catch let failure as HubClient.Failure {
            throw unreachable(failure)
        }
        guard answer.status == 200 else { throw refused(answer, "fence") }
    }

    /// Waits for the version to be ready, then makes the smoke call.
    /// - Parameter smoke: false for a version that the manifest's smoke call was not written for.
    /// - Returns: All attributes.
    func finish(version: Int?, smoke callsSmoke: Bool = true) async throws -> Attributes {
        let status = try await ready(version)
        if callsSmoke, let function, let smoke = function.smoke {
            request.progress("waiting for the smoke call")
            try await SmokeCall(address: request.address, function: function, smoke: smoke).run(client)
        }
        return request.planned.isEmpty ? status.attributes : attributes(version: status.version)
    }

    /// What was planned, as this version.
    func attributes(version: Int) -> Attributes {
        var attributes = request.planned.filter { $0.value != .null }
        attributes["version"] = .int(version)
        return attributes
    }

    private func ready(_ version: Int?) async throws -> FunctionStatus {
        request.progress("waiting until the function is ready")
        var deadline = ContinuousClock.now + Self.longestWait
        var last = "no answer"
        while ContinuousClock.now < deadline {
            do {
                guard let status = try await status(), version == nil || status.version == version else {
                    // The hub had it when it answered the deployment.
                    throw ProviderError(
                        .answerLost, "\(request.address): somebody else changed or removed the function meanwhile")
                }
                if status.isReady { return status }
                last = status.lastError ?? status.state
                if let activity = status.activity {
                    // The hub bounds it itself. Waiting for the function begins when it is done.
                    request.progress(activity)
                    deadline = .now + Self.longestWait
                }
                if status.state == "crash-loop" {
                    throw ProviderError(
                        .rejected, "\(request.address): the function does not start: \(last)",
                        help: "mend the function, then apply again")
                }
            } catch let failure as HubClient.Failure {
                last = failure.reason
            }
            try await pause()
        }
        throw ProviderError(
            .rejected, "\(request.address): the function was not ready within \(Self.longestWait): \(last)",
            help: "mend the function, then apply again")
    }

    private func pause() async throws {
        do {
            try await Task.sleep(for: .milliseconds(100))
        } catch {
            // Deployed, but nobody waited for it: the next run finds it by its operation.
            throw ProviderError(.answerLost, "\(request.address): cancelled before the function was ready")
        }
    }

    /// Nil if the hub does not have the function.
    /// - Throws: `HubClient.Failure`, `ProviderError`.
    func status() async throws -> FunctionStatus? {
        let answer = try await client.call("GET", "/system/function/\(name)?namespace=\(namespace)")
        if answer.status == 404 { return nil }
        guard answer.status == 200, let status = answer.json.flatMap(FunctionStatus.init) else {
            throw refused(answer, "question")
        }
        return status
    }

    /// Removes the function; it being gone is success.
    func delete() async throws {
        let answer: HubClient.Answer
        do {
            answer = try await client.call(
                "DELETE", "/system/functions",
                body: ["functionName": .string(name), "namespace": .string(namespace)], timeout: .seconds(30),
                owner: request.owner)
        } catch let failure as HubClient.Failure {
            // Harmless to repeat, so an answer that did not come is no other case.
            throw unreachable(failure)
        }
        if answer.status != 404 && !(200..<300).contains(answer.status) { throw refused(answer, "deletion") }
    }

    private func unreachable(_ failure: HubClient.Failure) -> ProviderError {
        ProviderError(
            .transient, "\(request.address): hub \(client.url) does not answer: \(failure.reason)",
            help: failure.help ?? "see that the hub runs: osiris hub info")
    }

    private func refused(_ answer: HubClient.Answer, _ what: String) -> ProviderError {
        let message =
            "\(request.address): hub \(client.url) answers the \(what) with \(answer.status): \(answer.problem)"
        switch answer.status {
        case 412: return ProviderError(.fenced, message)
        case 429: return ProviderError(.throttled(retryAfter: nil), message)
        case 500...: return ProviderError(.transient, message)
        case 401, 403:
            return ProviderError(.rejected, message, help: "the recorded token is not the hub's: plan again")
        default: return ProviderError(.rejected, message)
        }
    }
}
