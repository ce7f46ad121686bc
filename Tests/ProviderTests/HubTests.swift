import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Testing

@testable import ProviderHub

@Suite struct HubTests {
    @Test func conforms() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        let planned = fixture.request(token: "t").planned
        let run = Conformance(
            fixture.handler, cluster: fixture.hub.cluster, address: fixture.address("hello"), planned: planned,
            changed: planned.merging(["env": ["GREETING": "hello"]]) { $1 }, ancestors: [fixture.attributes],
            below: [fixture.found])
        #expect(try await run.violations() == [])
    }

    @Test func oneListingAnswersForManyFunctions() async throws {
        let names = (1...20).map { "f\($0)" }
        let fixture = try await HubFixture(names: names)
        defer { fixture.end() }
        for name in names { _ = try await fixture.handler.create(fixture.request(name, token: name)) }
        let before = fixture.hub.requests.count
        let results = await fixture.read(names + ["missing"])
        #expect(results.dropLast().allSatisfy { $0.attributes?["version"] == 1 })
        #expect(results.last?.isAbsent == true)
        #expect(fixture.hub.requests.dropFirst(before) == ["GET /system/functions"])
    }

    @Test func secretsReachTheHubAndOnlyTheirDigestsComeBack() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        var request = fixture.request(token: "t")
        // As a plan file has it.
        request.planned["secrets"] = ["KEY": .secret(Secret(digest: "hmac-sha256:00", plaintext: nil))]
        _ = try await fixture.handler.create(request)
        let stored = fixture.hub.folder.text("manifest/.osiris/hubs/here/catalog.json")
        #expect(stored.contains("\"value\": \"clear\"") && stored.contains("osiris:operation"))
        let read = await fixture.read()[0].attributes
        guard case .secret(let secret)? = read?["secrets"]?.mapValue?["KEY"] else {
            Issue.record("no secret")
            return
        }
        #expect(secret.digest == "hmac-sha256:00" && secret.plaintext == nil)
    }

    @Test func limitsAndNetworkReachTheHubAndComeBack() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        var request = fixture.request(token: "t")
        let limits: Value = [
            "timeout": "5s", "memory": "128Mi", "cpu": .double(0.5), "processes": 16, "openFiles": 64, "disk": "1Mi",
            "output": "64Ki",
        ]
        request.planned["limits"] = limits
        request.planned["network"] = false
        let body = try DeployBody.make(request).mapValue ?? [:]
        #expect(
            body["limits"] == [
                "timeoutMs": 5000, "memoryBytes": 134_217_728, "cpuThousandths": 500, "processes": 16, "openFiles": 64,
                "diskBytes": 1_048_576, "outputBytes": 65_536,
            ])
        #expect(body["network"] == false)
        let shown: Value = [
            "name": "hello", "namespace": "demo", "version": 1, "network": false, "limits": body["limits"] ?? .null,
        ]
        let read = try #require(FunctionStatus(shown)).attributes
        #expect(read["limits"] == limits && read["network"] == false)
    }

    /// What was recorded before there were these keys must plan no update, whichever hub it is on.
    @Test func aFunctionWithoutTheNewKeysLooksAsBefore() throws {
        let arguments = FunctionResource.arguments(try function("hello"))
        #expect(arguments["limits"] == ["timeout": "10s"])
        #expect(arguments["network"] == nil)
        let old: Value = ["timeoutMs": 10_000]
        let new: Value = ["timeoutMs": 10_000, "outputBytes": 1_048_576]
        for (limits, network) in [(old, nil), (new, Value.bool(true))] {
            var shown: [String: Value] = ["name": "hello", "namespace": "demo", "version": 1, "limits": limits]
            shown["network"] = network
            let read = try #require(FunctionStatus(.map(shown))).attributes
            #expect(read["limits"] == arguments["limits"])
            #expect(read["network"] == nil)
        }
    }

    @Test func aWholeNumberOfProcessorsIsOne() {
        let limits = FunctionSpec.Limits(processorThousandths: 2000)
        #expect(FunctionResource.limits(limits).mapValue?["cpu"] == 2)
    }

    @Test func aChangedSourceIsRefusedBeforeAnythingIsSent() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        let request = fixture.request(token: "t")
        try fixture.hub.folder.write("changed", to: "manifest/functions/hello/hello.py")
        let error = await providerError { _ = try await fixture.handler.create(request) }
        #expect(error?.kind == .rejected && error?.message.contains("the source changed since the plan") == true)
        #expect(!fixture.hub.requests.contains { $0.hasPrefix("PUT") })
    }

    @Test func aHubThatIsGoneIsUnreadableAndDeletionWaitsForIt() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        _ = try await fixture.handler.create(fixture.request(token: "t"))
        fixture.end()
        #expect(await eventually { fixture.hub.processes.isEmpty })
        #expect(await fixture.read()[0].reason?.contains("does not answer") == true)
        let deletion = await providerError { try await fixture.handler.delete(fixture.request(token: "d")) }
        #expect(deletion?.kind == .transient)
        let creation = await providerError { _ = try await fixture.handler.create(fixture.request(token: "c")) }
        #expect(creation?.kind == .transient)
        guard case .unknownYet = try await fixture.handler.resolve(fixture.request(token: "t")) else {
            Issue.record("resolved")
            return
        }
        var orphan = fixture.request(token: "d")
        orphan.ancestors = []
        try await fixture.handler.delete(orphan)
    }
}

@Suite struct HubFaultTests {
    @Test func refusedTokensAndBrokenHubsAreToldApart() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        try fixture.hub.setMode(["unauthorized": true])
        #expect(await fixture.read()[0].reason?.contains("401") == true)
        let unauthorized = await providerError { _ = try await fixture.handler.create(fixture.request(token: "t")) }
        #expect(unauthorized?.kind == .rejected && unauthorized?.message.contains("bearer token") == true)
        try fixture.hub.setMode(["status": ["PUT /system/functions": 500, "GET /system/functions": 500]])
        #expect(await fixture.read()[0].reason?.contains("500") == true)
        let broken = await providerError { _ = try await fixture.handler.create(fixture.request(token: "t")) }
        #expect(broken?.kind == .transient)
        try fixture.hub.setMode(["status": ["PUT /system/functions": 429]])
        let throttled = await providerError { _ = try await fixture.handler.create(fixture.request(token: "t")) }
        #expect(throttled?.kind == .throttled(retryAfter: nil))
        try fixture.hub.setMode(["status": ["PUT /system/functions": 400]])
        let invalid = await providerError { _ = try await fixture.handler.create(fixture.request(token: "t")) }
        #expect(invalid?.kind == .rejected && invalid?.message.contains("broken on request") == true)
    }

    @Test func aLostAnswerIsResolvedByItsOperation() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        try fixture.hub.setMode(["lost": ["PUT /system/functions"]])
        let request = fixture.request(token: "t")
        let error = await providerError { _ = try await fixture.handler.create(request) }
        #expect(error?.kind == .answerLost)
        guard case .landed(let attributes) = try await fixture.handler.resolve(request) else {
            Issue.record("not landed")
            return
        }
        #expect(await fixture.read()[0].attributes == attributes)
        guard case .notLanded = try await fixture.handler.resolve(fixture.request(token: "another")) else {
            Issue.record("landed")
            return
        }
    }

    @Test func settlingOnlyAsks() async throws {
        let smoke = FunctionSpec.Smoke(input: [:], expect: nil, withinMilliseconds: 60_000)
        let fixture = try await HubFixture(smoke: smoke)
        defer { fixture.end() }
        try fixture.hub.setMode(["lost": ["PUT /system/functions"]])
        let request = fixture.request(token: "t")
        _ = await providerError { _ = try await fixture.handler.create(request) }
        for (state, missing) in [("starting", "not ready"), ("ready", "smoke call")] {
            try fixture.hub.setMode(["state": .string(state)])
            let before = fixture.hub.requests.count
            guard case .unfinished(_, let why) = try await fixture.handler.resolve(request) else {
                Issue.record("not unfinished")
                return
            }
            #expect(why.contains(missing))
            #expect(fixture.hub.requests.dropFirst(before).allSatisfy { $0.hasPrefix("GET /system/function/hello?") })
        }
        // The same create again finishes it and makes no second version.
        #expect(try await fixture.handler.create(request)["version"] == 1)
        #expect(fixture.hub.requests.last == "POST /function/demo/hello")
    }

    @Test func aFunctionThatDoesNotStartIsReportedAndTakenBack() async throws {
        let fixture = try await HubFixture()
        defer { fixture.end() }
        try fixture.hub.setMode(["state": "crash-loop"])
        let error = await providerError { _ = try await fixture.handler.create(fixture.request(token: "t")) }
        #expect(error?.kind == .rejected && error?.message.contains("no module named hello") == true)
        #expect(await fixture.read()[0].isAbsent)
    }

    @Test func aSmokeCallSaysWhatWasExpectedAndWhatCame() async throws {
        let smoke = FunctionSpec.Smoke(
            input: ["name": "Ada"], expect: ["greeting": "hi Ada"], withinMilliseconds: 60_000)
        let fixture = try await HubFixture(smoke: smoke)
        defer { fixture.end() }
        try fixture.hub.setMode(["answer": ["greeting": "hi clear", "more": 1]])
        let mismatch = await providerError { _ = try await fixture.handler.create(fixture.request(token: "t")) }
        #expect(mismatch?.kind == .rejected)
        #expect(mismatch?.message.contains("expected {\"greeting\":\"hi Ada\"}") == true)
        #expect(mismatch?.message.contains("not shown") == true && mismatch?.message.contains("clear") == false)
        try fixture.hub.setMode(["status": ["POST /function/demo/hello": 502]])
        let failed = await providerError { _ = try await fixture.handler.create(fixture.request(token: "t2")) }
        #expect(failed?.message.contains("502") == true)
        try fixture.hub.setMode(["answer": ["greeting": "hi Ada", "more": 1]])
        #expect(try await fixture.handler.create(fixture.request(token: "t3"))["version"] == 1)
    }

    @Test func aSmokeCallThatIsNotAnsweredInTimeFails() async throws {
        let fixture = try await HubFixture(smoke: .init(input: [:], expect: nil, withinMilliseconds: 300))
        defer { fixture.end() }
        try fixture.hub.setMode(["delay": ["POST /function/demo/hello": 600]])
        let slow = await providerError { _ = try await fixture.handler.create(fixture.request(token: "t")) }
        #expect(slow?.message.contains("within 300 ms") == true, "\(String(describing: slow))")
    }
}
