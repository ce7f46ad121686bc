import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Calls AWS: finds credentials, signs, keeps to the budget of each API, and tries again where that can help and can do no
/// harm. One for a run.
public struct AWSClient: Sendable {
    private let http: any HTTPSending
    private let credentials: AWSCredentialCache
    private let budget: RequestBudget
    private let retry: AWSRetry
    /// The calls made.
    public let log: CallLog

    /// - Parameters:
    ///   - environment: settings and credentials by the names of Amazon's own tools, and `OSIRIS_CALL_LOG`.
    ///   - home: the folder of `.aws`; nil for the user's.
    public init(
        http: any HTTPSending, environment: [String: String] = ProcessInfo.processInfo.environment, home: String? = nil
    ) {
        self.init(http: http, environment: environment, home: home ?? HomeFolder.path(environment), retry: AWSRetry())
    }

    init(
        http: any HTTPSending, environment: [String: String], home: String, retry: AWSRetry,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.http = http
        self.retry = retry
        credentials = AWSCredentialCache(environment: environment, home: home, http: http, now: now)
        budget = RequestBudget(sleep: retry.sleep)
        log = CallLog(path: environment["OSIRIS_CALL_LOG"])
    }

    /// The region of the environment or of a profile, for a target that names none; nil if there is none.
    public func region(profile: String?) async -> String? { await credentials.settings().region(profile: profile) }

    /// A call of the Query protocol.
    /// - Parameter waitingOut: errors to be asked again for, as they pass by themselves.
    /// - Returns: the root element of the answer.
    /// - Throws: `AWSError`, after all tries that can help; `CancellationError`.
    public func call(
        _ action: String, _ parameters: QueryParameters = [:], service: AWSService = .ec2, at place: AWSPlace,
        waitingOut wait: AWSWait? = nil
    ) async throws -> XMLNode {
        let call = AWSCall(action: action, service: service, place: place, body: .query(parameters))
        let response = try await send(call, wait)
        guard let root = XMLNode(parsing: response.body) else { throw malformed(call, response) }
        return root
    }

    /// A call of the JSON protocol, version 1.1.
    /// - Parameter target: the name of the service's interface, such as `AmazonSSM`.
    /// - Throws: `AWSError`; `CancellationError`.
    public func json(
        _ action: String, _ body: Value, target: String, service: AWSService, at place: AWSPlace
    ) async throws -> [String: Value] {
        let call = AWSCall(action: action, service: service, place: place, body: .json(body, target: target))
        let response = try await send(call, nil)
        guard let fields = (try? Value(plainJSON: response.body))?.mapValue else { throw malformed(call, response) }
        return fields
    }

    /// A public or own parameter of Systems Manager, such as the id of the newest image of a distribution
    /// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html).
    /// - Throws: `AWSError`, with the code `ParameterNotFound` if there is none of this name.
    public func parameter(_ name: String, at place: AWSPlace) async throws -> String {
        let answer = try await json(
            "GetParameter", ["Name": .string(name)], target: "AmazonSSM", service: .ssm, at: place)
        guard let value = answer["Parameter"]?.mapValue?["Value"]?.stringValue else {
            throw AWSError(
                kind: .rejected, action: "GetParameter", region: place.region, code: "",
                message: "the answer has no value of \(name)", status: 200, requestID: nil)
        }
        return value
    }

    private func send(_ call: AWSCall, _ wait: AWSWait?) async throws -> HTTPResponse {
        var attempt = 0
        var renewed = false
        var isUnsure = false
        let deadline = wait.map { ContinuousClock.now + $0.atMost }
        var waits = 0
        while true {
            attempt += 1
            let (signer, endpoint) = try await surroundings(of: call)
            try await budget.admit(call.api, call.bucket) { Self.tell("its turn for \(call.action)", for: $0) }
            let outcome = await exchange(call, signer, endpoint, attempt)
            var error: AWSError
            switch outcome {
            case .success(let response):
                await budget.wasTaken(call.api)
                return response
            case .failure(let failure):
                try Task.checkCancellation()
                error = failure
            }
            error.attempts = attempt
            isUnsure = isUnsure || error.mayHaveTakenEffect
            error.mayHaveTakenEffect = isUnsure
            if case .throttled = error.kind { await budget.wasThrottled(call.api) }
            if AWSAnswer.expiry.contains(error.code), !renewed {
                renewed = true
                await credentials.forget(signer, of: call.place.identity)
            } else if let wait, let deadline, wait.codes.contains(error.code), deadline > .now {
                waits += 1
                let delay = wait.pause.delay(after: waits, jitter: .random(in: 0..<1))
                Self.tell("\(call.action): \(error.message)", for: delay)
                try await retry.sleep(delay)
            } else {
                guard let delay = retry.delay(after: error.kind, attempt: attempt - waits) else { throw error }
                Self.tell("try \(attempt - waits + 1) of \(call.action): \(error.message)", for: delay)
                try await retry.sleep(delay)
            }
        }
    }

    /// Hears why a call of this task waits, if it is for long. In a structure of its own: optimised by Swift 6.3, a program
    /// with a bare function as the value of a task crashes when it is set.
    struct Progress: Sendable {
        /// Takes the reason and how long the wait is.
        let hear: @Sendable (String, Duration) -> Void
    }
    @TaskLocal static var progress: Progress?

    private static func tell(_ what: String, for delay: Duration) {
        guard delay >= .seconds(2) else { return }
        progress?.hear("waiting \(Int((delay / .seconds(1)).rounded())) s for \(what)", delay)
    }

    private func exchange(
        _ call: AWSCall, _ signer: AWSCredentials, _ endpoint: String, _ attempt: Int
    ) async -> Result<HTTPResponse, AWSError> {
        let signing = signer.signing(region: call.place.region, service: call.service.name.host)
        let start = ContinuousClock.now
        let result: Result<HTTPResponse, AWSError>
        var status: Int?
        do {
            let response = try await http.send(call.request(to: endpoint, signing: signing))
            status = response.status
            result = AWSAnswer.error(response, call).map { .failure($0) } ?? .success(response)
        } catch let error as HTTPError {
            result = .failure(AWSAnswer.error(error, call))
        } catch {
            // Cancelled: the caller looks at that itself.
            result = .failure(AWSAnswer.cancelled(call))
        }
        var code: String?
        if case .failure(let error) = result { code = error.code.isEmpty ? nil : error.code }
        await log.note(
            CallLog.Call(
                service: call.service.name.host, action: call.action, region: call.place.region, attempt: attempt,
                status: status, code: code, duration: .now - start))
        return result
    }

    /// As whom the call is made, and where.
    private func surroundings(of call: AWSCall) async throws -> (AWSCredentials, endpoint: String) {
        let place = call.place
        func refusal(_ message: String, _ help: String, _ kind: AWSError.Kind = .rejected) -> AWSError {
            AWSError(
                kind: kind, action: call.action, region: place.region, code: "", message: message, status: nil,
                requestID: nil, help: help)
        }
        guard AWSServiceName.isRegion(place.region) else {
            throw refusal("this is not the name of a region", "such as eu-central-1")
        }
        do {
            let signer = try await credentials.credentials(place.identity, region: place.region)
            let settings = await credentials.settings()
            let configured = place.endpoint ?? settings.configuredEndpoint(call.service.name, profile: place.profile)
            guard let configured else { return (signer, call.service.name.endpoint(region: place.region)) }
            guard AWSServiceName.isEndpoint(configured) else {
                throw refusal(
                    "the endpoint URL for it is malformed", "write http://HOST:PORT or https://HOST:PORT")
            }
            return (signer, configured.hasSuffix("/") ? String(configured.dropLast()) : configured)
        } catch let error as AWSCredentialsError {
            throw refusal(error.description, error.help, error.isPassing ? .transient : .rejected)
        }
    }

    private func malformed(_ call: AWSCall, _ response: HTTPResponse) -> AWSError {
        AWSError(
            kind: call.isRepeatable ? .rejected : .answerLost, action: call.action, region: call.place.region, code: "",
            message: "the answer is not what this API gives", status: response.status, requestID: nil,
            help: "check the endpoint: does AWS answer there, or a proxy?")
    }
}
