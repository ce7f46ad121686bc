import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport
import ProviderHub
import ProviderLocal
import Synchronization
import Testing

/// A local hub that speaks TLS, with the program users run.
@Suite struct LocalTLSTests {
    @Test func conforms() async throws {
        let hub = try await TLSHub()
        defer { hub.base.end() }
        let planned = try hub.planned()
        let other = try await TLSHub.makeAuthority(hub.base.cluster)
        for changes: Attributes in [
            ["port": .int(try freePort())],
            ["authority": other["certificate"] ?? .null, "authorityKey": other["key"] ?? .null],
        ] {
            let run = Conformance(
                hub.handler, cluster: hub.base.cluster, address: hub.base.address, planned: planned,
                changed: planned.merging(changes) { $1 })
            #expect(try await run.violations() == [])
            #expect(hub.base.processes.isEmpty && !FileManager.default.fileExists(atPath: hub.base.data))
        }
    }

    @Test func theHubShowsACertificateOfTheAuthority() async throws {
        try await TLSHub.with { hub, created in
            #expect(created["url"] == .string("https://127.0.0.1:\(hub.base.port)"))
            let certificate = try #require(hub.installed)
            #expect(created["certificateExpires"]?.stringValue == certificate.notAfter.formatted(.iso8601))
            #expect(await hub.read(created).attributes == created)
            #expect(try await hub.client(created).call("GET", "/system/info").status == 200)
            // The authority's key is in no file; the hub's is in one that is closed to others.
            let key = try #require(hub.authority["key"]?.stringValue?.split(separator: "\n")[1])
            for name in try FileManager.default.contentsOfDirectory(atPath: hub.base.data) {
                #expect(!hub.base.folder.text("manifest/.osiris/hubs/here/\(name)").contains(key), "\(name)")
            }
            let file = try FileManager.default.attributesOfItem(atPath: hub.base.data + "/tls.pem")
            #expect(file[.posixPermissions] as? Int == 0o600)
            // A client that knows no authority sends nothing.
            let blind = HubClient(url: created["url"]?.stringValue ?? "", token: "t", http: HTTPClient())
            await #expect(throws: HubClient.Failure.self) { try await blind.call("GET", "/healthz") }
        }
    }

    // MARK: Rotation

    @Test func aCertificateIsRenewedInPlace() async throws {
        try await TLSHub.with(daysAgo: 59) { hub, created in
            let (process, first) = (hub.base.processes, hub.installed)
            #expect(try await hub.handler.update(try hub.request("early", prior: created)) == created)
            #expect(hub.installed == first)
            try Self.install(Self.issue(hub.authority, daysAgo: 61), in: hub)
            let updated = try await hub.handler.update(try hub.request("u", prior: created))
            let second = try #require(hub.installed)
            #expect(second != first && updated["certificateExpires"] != created["certificateExpires"])
            #expect(updated["certificateExpires"]?.stringValue == second.notAfter.formatted(.iso8601))
            #expect(updated["token"] == created["token"] && hub.base.processes == process)
            #expect(await hub.read(updated).attributes == updated)
            #expect(try await hub.handler.update(try hub.request("u", prior: created)) == updated)
            #expect(hub.installed == second)
        }
    }

    /// Nobody can speak to a hub whose certificate has expired; the folder is enough.
    @Test func anExpiredCertificateIsRenewedInPlace() async throws {
        try await TLSHub.with { hub, created in
            let process = hub.base.processes
            let expired = try Self.issue(hub.authority, daysAgo: 100)
            try Self.install(expired, in: hub)
            #expect(
                await eventually {
                    guard case .certificate(.expired, _)? = await Self.failure(hub.client(created)) else {
                        return false
                    }
                    return true
                })
            let found = try #require(await hub.read(created).attributes)
            #expect(found["status"] == "running")
            #expect(found["certificateExpires"]?.stringValue == expired.certificate.notAfter.formatted(.iso8601))
            let updated = try await hub.handler.update(try hub.request("u", prior: found))
            #expect(hub.base.processes == process && updated["token"] == created["token"])
            #expect(await hub.read(updated).attributes == updated)
            #expect(try await hub.client(updated).call("GET", "/system/info").status == 200)
        }
    }

    private final class Calls: Sendable {
        let begun = Mutex(0)
        let isOver = Mutex(false)
    }

    @Test func callsAreAllAnsweredThroughARotation() async throws {
        try await TLSHub.with(daysAgo: 70) { hub, created in
            let client = hub.client(created)
            let connections = (0..<4).map { _ in hub.client(created) } + [client]
            let calls = Calls()
            // Some on connections that last, some on new ones.
            @Sendable func call(_ number: Int) async -> String? {
                let caller = number % 5 == 0 ? hub.client(created) : connections[number % 5]
                calls.begun.withLock { $0 += 1 }
                do {
                    let answer = try await caller.call("GET", "/system/info", timeout: .seconds(60))
                    return answer.status == 200 ? nil : "\(answer.status)"
                } catch {
                    return "\(error)"
                }
            }
            let rotated = Task {
                defer { calls.isOver.withLock { $0 = true } }
                let isCalledBefore = await eventually { calls.begun.withLock { $0 } >= 100 }
                let updated = try await hub.handler.update(try hub.request("u", prior: created))
                let before = calls.begun.withLock { $0 }
                let isCalledAfter = await eventually { calls.begun.withLock { $0 } >= before + 100 }
                #expect(isCalledBefore && isCalledAfter)
                return updated
            }
            let failures = await withTaskGroup(of: [String].self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        var failures: [String] = []
                        var number = worker
                        while !calls.isOver.withLock({ $0 }) {
                            if let failure = await call(number) { failures.append(failure) }
                            number += 8
                        }
                        return failures
                    }
                }
                return await group.reduce([], +)
            }
            #expect(failures == [])
            let updated = try await rotated.value
            #expect(updated["certificateExpires"] != created["certificateExpires"])
            #expect(try await client.call("GET", "/system/info").status == 200)
        }
    }

    @Test func anotherAuthorityTakesOverInTwoSteps() async throws {
        try await TLSHub.with { hub, created in
            let process = hub.base.processes
            let handler = HubProvider(http: testHTTP).handler("authority")
            func step(_ token: String, _ prior: Attributes) async throws -> Attributes {
                let asked = prior.merging(["rotation": "asked"]) { $1 }
                let answer = try await handler.update(
                    TLSHub.authorityRequest(hub.base.cluster, token, prior: asked))
                let again = try await handler.update(
                    TLSHub.authorityRequest(hub.base.cluster, token, prior: asked))
                #expect(again == answer)
                return answer
            }
            let both = try await step("a", hub.authority)
            #expect(try Certificate.all(in: both["certificate"]?.stringValue ?? "").count == 2)
            let trusting = try await hub.handler.update(
                try hub.request("u", prior: created, authority: both))
            #expect(trusting["certificateExpires"] == created["certificateExpires"])
            #expect(await hub.read(trusting).attributes == trusting)
            let alone = try await step("b", both)
            let new = try Certificate.all(in: both["certificate"]?.stringValue ?? "")[1]
            #expect(try Certificate.all(in: alone["certificate"]?.stringValue ?? "") == [new])
            let moved = try await hub.handler.update(
                try hub.request("v", prior: trusting, authority: alone))
            #expect(await hub.read(moved).attributes == moved && hub.base.processes == process)
            // Who trusts both got through all the time; who trusts the old one alone is told.
            #expect(try await hub.client(moved, authority: both).call("GET", "/healthz").status == 200)
            guard case .certificate(.untrusted, _)? = await Self.failure(hub.client(moved, authority: hub.authority))
            else {
                Issue.record("the old authority is still trusted")
                return
            }
        }
    }

    // MARK: Kills

    @Test func afterTheCertificateWasWritten() async throws {
        let hub = try await TLSHub()
        defer { hub.base.end() }
        try FileManager.default.createDirectory(atPath: hub.base.data, withIntermediateDirectories: true)
        let made = try Self.issue(hub.authority)
        try Self.install(made, in: hub)
        #expect(await hub.read([:]).isAbsent)
        guard case .notLanded = try await hub.handler.resolve(try hub.request("t")) else {
            Issue.record("landed")
            return
        }
        let created = try await hub.handler.create(try hub.request("t"))
        #expect(hub.installed == made.certificate, "a good certificate was made again")
        #expect(await hub.read(created).attributes == created)
    }

    /// The hub shows the new one, and nobody recorded it: what is read is what is there.
    @Test func afterARotationThatNobodyRecorded() async throws {
        try await TLSHub.with(daysAgo: 70) { hub, created in
            let lost = try await hub.handler.update(try hub.request("u", prior: created))
            let found = await hub.read(created).attributes
            #expect(found == lost)
            #expect(try await hub.handler.update(try hub.request("v", prior: created)) == lost)
            #expect(hub.base.processes.count == 1)
        }
    }

    /// Killed between the certificate of another authority and the note of it.
    @Test func inTheMiddleOfATakeover() async throws {
        try await TLSHub.with { hub, created in
            let other = try await TLSHub.makeAuthority(hub.base.cluster)
            let made = try Self.issue(other)
            try Self.install(made, in: hub)
            #expect(
                await eventually {
                    (try? await hub.client(created, authority: other).call("GET", "/healthz"))?.status == 200
                })
            let found = try #require(await hub.read(created).attributes)
            #expect(found["status"] == "stopped" && found["authority"] == created["authority"])
            let updated = try await hub.handler.update(try hub.request("u", prior: found, authority: other))
            #expect(await hub.read(updated).attributes == updated)
            #expect(hub.base.processes.count == 1)
            #expect(updated["authority"] == other["certificate"] && updated["token"] == created["token"])
        }
    }

    @Test(arguments: ["", "nonsense", "half"])
    func aBrokenCertificateIsMadeAgain(content: String) async throws {
        try await TLSHub.with { hub, created in
            let file = hub.base.data + "/tls.pem"
            let whole = hub.base.folder.text("manifest/.osiris/hubs/here/tls.pem")
            try FileManager.default.removeItem(atPath: file)
            if !content.isEmpty {
                let text = content == "half" ? String(whole.prefix(400)) : content
                try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            }
            let found = try #require(await hub.read(created).attributes)
            #expect(found["status"] == "stopped" && found["certificateExpires"] == nil)
            let updated = try await hub.handler.update(try hub.request("u", prior: found))
            #expect(await hub.read(updated).attributes == updated && hub.base.processes.count == 1)
        }
    }

    @Test func tlsIsSwitchedOffAndOn() async throws {
        try await TLSHub.with { hub, created in
            let plain = try hub.planned().filter { !["authority", "authorityKey"].contains($0.key) }
            var request = try hub.request("off", prior: created)
            request.planned = plain
            let off = try await hub.handler.update(request)
            #expect(off["url"] == .string("http://127.0.0.1:\(hub.base.port)") && off["certificateExpires"] == nil)
            #expect(await hub.read(off).attributes == off)
            let on = try await hub.handler.update(try hub.request("on", prior: off))
            #expect(await hub.read(on).attributes == on && on["token"] == created["token"])
        }
    }

    // MARK: Strangers

    /// Whoever took the port of a dead hub gets neither a token nor anything else.
    @Test(arguments: ["self-signed", "another authority", "another host", "expired"])
    func aStrangerHearsNothing(kind: String) async throws {
        let hub = try await TLSHub()
        defer { hub.base.end() }
        let created = try await hub.handler.create(try hub.request("t"))
        for process in hub.base.processes { kill(process, SIGKILL) }
        #expect(await eventually { hub.base.processes.isEmpty })
        let names = ["127.0.0.1", "::1", "localhost"]
        let (own, other) = (try Self.signer(hub.authority), try CertificateAuthority.make(named: "edge", now: Date()))
        let identity =
            switch kind {
            case "self-signed": other.identity
            case "another authority": try other.issue(subject: "x", names: names, now: Date())
            case "another host": try own.issue(subject: "x", names: ["example.org"], now: Date())
            default: try own.issue(subject: "x", names: names, now: Date() - 100 * 86400)
            }
        let expected: CertificateFault =
            switch kind {
            case "another host": .otherName
            case "expired": .expired
            default: .untrusted
            }
        let stranger = try await StrangerServer(identity, port: hub.base.port)
        guard case .certificate(let fault, let reason)? = await Self.failure(hub.client(created)) else {
            Issue.record("the stranger was spoken to")
            return
        }
        #expect(fault == expected, "\(reason)")
        let functions = HubProvider(http: testHTTP).handler("function")
        let address = ResourceAddress(target: "here", type: "function", name: "here.demo.hello")
        let read = await functions.read(
            [ReadRequest(address: address, recorded: [:], ancestors: [created])], of: hub.base.cluster)
        #expect(read[0].reason?.contains(fault.advice.meaning) == true, "\(read)")
        #expect(await hub.read(created).attributes?["status"] == "stopped")
        #expect(stranger.heard.isEmpty, "\(stranger.heard)")
    }

    // MARK: Parts

    private static func signer(_ authority: Attributes) throws -> CertificateAuthority {
        try AuthorityResource.signer(
            certificates: authority["certificate"]?.stringValue ?? "", keys: authority["key"]?.stringValue ?? "")
    }

    private static func issue(_ authority: Attributes, daysAgo: Double = 0) throws -> CertifiedKey {
        try signer(authority).issue(
            subject: "x", names: ["127.0.0.1", "::1", "localhost"], now: Date() - daysAgo * 86400)
    }

    private static func install(_ identity: CertifiedKey, in hub: TLSHub) throws {
        let beside = hub.base.data + "/tls.pem.test"
        try Data((identity.key.pem + identity.certificate.pem).utf8).write(to: URL(fileURLWithPath: beside))
        chmod(beside, 0o600)
        try #require(rename(beside, hub.base.data + "/tls.pem") == 0)
    }

    private static func failure(_ client: HubClient) async -> HubClient.Failure? {
        do {
            _ = try await client.call("GET", "/system/info")
            return nil
        } catch {
            return error as? HubClient.Failure
        }
    }
}
