import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// One create or update of a hub: what is sent to the host, and what is asked afterwards.
struct HubSteps {
    let hub: SSHHub
    let request: OperationRequest
    let token: Secret
    let place: HostPlace

    /// How long a new hub may take until its API answers through the host's sshd, after it was ready on the host.
    private static let longestWait: Duration = .seconds(15)

    init(_ hub: SSHHub, _ request: OperationRequest, token: Secret) throws {
        self.hub = hub
        self.request = request
        self.token = token
        place = try hub.hosts.place(of: request.address, request.ancestors, in: request.cluster)
    }

    private var hosts: Hosts { hub.hosts }

    private var order: HubOrder {
        HubOrder(request: request, token: token, engine: engine(of: request.ancestors), folder: place.folder)
    }

    /// Ends with exactly one hub, which runs with the planned arguments and this token, wherever it begins.
    func bring() async throws -> Attributes {
        let facts = try await hosts.look(at: place, request.address)
        let before = try facts.marker("hub", request.address, request.cluster).flatMap(HubNote.init)
        let made =
            order.config().tls
            ? try HubCertificate.renewal(
                of: before?.certificate, for: request, names: names, now: hub.now()) : nil
        let note = try await note(before, made)
        let confirm = confirmSeconds(before)
        let output = try await hosts.change(
            .hub, at: place, for: request,
            arguments: [
                engine(of: request.ancestors), request.planned["version"]?.stringValue ?? "-", String(confirm),
            ],
            payload: payload(note, made, confirm: confirm))
        if output.contains("unconfirmed") { try await self.confirm(note) } else { try await reach(note) }
        var attributes = request.planned.filter { $0.value != .null }
        attributes["url"] = .string(SSHHub.url(place, note.config))
        attributes["token"] = .secret(token)
        attributes["certificateExpires"] = note.certificate.map { .string($0.notAfter.formatted(.iso8601)) }
        return attributes
    }

    // MARK: What the hub is told

    /// A hub that runs and is told nothing but a new certificate goes on as what it was started as: it loses no call. So does
    /// one that the machine has started by itself with what is told now, the token included.
    private func note(_ before: HubNote?, _ made: CertifiedKey?) async throws -> HubNote {
        var config = order.config()
        if let before {
            // What was recorded; before the first operation what the machine has noted.
            let prior = request.prior.isEmpty ? before.attributes : request.prior
            let isWell =
                (request.prior.isEmpty || prior["status"] == "running")
                && ["version", "alerts", "image"].allSatisfy { prior[$0] == request.planned[$0] }
            var same = order.config(of: before.config.generation)
            (same.alerts, same.mark) = (before.config.alerts, before.config.mark)
            if isWell && same == before.config { config = order.config(of: before.config.generation) }
        }
        config = try await config.marked(by: request, token: token)
        return HubNote(
            config: config, certificate: config.tls ? made?.certificate ?? before?.certificate : nil,
            attributes: request.planned.filter { $0.value != .null })
    }

    /// How the hub is reached: by the tunnel, and by those who call its functions.
    private var names: [String] {
        var names = ["127.0.0.1", "::1", "localhost"]
        for name in [place.login.address, place.name] where !names.contains(name) && !name.contains("_") {
            names.append(name)
        }
        return names
    }

    private func payload(_ note: HubNote, _ made: CertifiedKey?, confirm: Int) -> HostPayload {
        var payload = order.payload(note, made: made)
        if confirm > 0 { payload.add("revert", HostScript.hubRevert.text) }
        return payload
    }

    // MARK: Afterwards

    /// Another port may be one that nobody reaches: then the host itself goes back to the one before.
    private func confirmSeconds(_ before: HubNote?) -> Int {
        guard let before, before.config.port != request.planned["port"]?.intValue else { return 0 }
        let target = request.cluster.targets.first { $0.name == request.address.target }
        return target?.settings["confirm"]?.intValue.map { $0 / 1000 } ?? 60
    }

    /// Says over a new login that the hub is reached; until then the host may put the previous one back.
    private func confirm(_ note: HubNote) async throws {
        request.progress("confirming the hub over a new connection")
        try await hosts.run.connected(to: place, request.address, fresh: true) { _ in }
        try await reach(note)
        try await hosts.change(
            .hubConfirm, at: place, for: request, arguments: [engine(of: request.ancestors)])
    }

    /// Waits until the hub, with this configuration and certificate, answers through the host's sshd.
    private func reach(_ note: HubNote) async throws {
        request.progress("waiting for the hub")
        let client = HubClient(
            url: SSHHub.url(place, note.config), token: token.plaintext, authority: note.config.mark?.authority,
            via: place.route, http: hub.http)
        let deadline = ContinuousClock.now + Self.longestWait
        var last = "no answer yet"
        while ContinuousClock.now < deadline {
            do {
                let answer = try await client.call("GET", "/system/info", timeout: .seconds(5))
                let info = answer.json?.mapValue
                let shown = info?["certificate"]?.mapValue?["fingerprint"]?.stringValue
                if answer.status == 200, info?["generation"]?.stringValue == note.config.generation,
                    note.certificate == nil || shown == note.certificate?.fingerprint
                {
                    return
                }
                last = answer.status == 200 ? "another configuration answers" : "\(answer.status): \(answer.problem)"
            } catch let failure as HubClient.Failure {
                last = failure.reason
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw ProviderError(
            .rejected,
            "\(request.address): the hub runs, but is not reached at \(client.url) through the host: \(last)",
            help: "does sshd of the host allow AllowTcpForwarding to 127.0.0.1?")
    }
}
