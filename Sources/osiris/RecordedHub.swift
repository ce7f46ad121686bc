import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState
import OsirisTransport

/// A hub as recorded in the state: where it is and the key to it.
struct RecordedHub {
    let address: ResourceAddress
    let url: String
    let adminToken: String
    /// The certificates to trust, PEM; nil for a hub without TLS.
    let authority: String?
    /// When its certificate ends, as recorded; RFC 3339.
    let certificateExpires: String?
    /// How to log in on its host, through which it is reached; nil for a hub that is spoken to straight.
    let login: HostLogin?
    /// What the login needs and the state does not have.
    let manifest: ManifestPlace

    /// All hubs in the state, by address; those without an address yet are left out.
    static func all(_ snapshot: StateSnapshot, in manifest: ManifestPlace) -> [RecordedHub] {
        snapshot.resources.values.sorted { $0.address < $1.address }.compactMap {
            RecordedHub($0, of: snapshot, in: manifest)
        }
    }

    init?(_ record: ResourceRecord, of snapshot: StateSnapshot, in manifest: ManifestPlace) {
        guard record.address.type == "hub", let url = record.attributes["url"]?.stringValue,
            let token = record.attributes["token"]?.stringValue
        else { return nil }
        (address, self.url, adminToken) = (record.address, url, token)
        authority = record.attributes["authority"]?.stringValue
        self.manifest = manifest
        var ancestors: [Attributes] = []
        var next = record.parent
        while let parent = next.flatMap({ snapshot.resources[$0] }) {
            ancestors.append(parent.attributes)
            next = parent.parent
        }
        login = HostLogin.of(ancestors)
        certificateExpires = record.attributes["certificateExpires"]?.stringValue
    }

    /// The hub that has a function, or else the first of the target: a function that failed to deploy is not recorded.
    /// - Parameters:
    ///   - function: `NAMESPACE/NAME`.
    ///   - target: only hubs of this target.
    /// - Throws: a `Diagnostic` if there is none.
    static func of(
        _ function: String, target: String?, in snapshot: StateSnapshot, manifest: ManifestPlace
    ) throws -> RecordedHub {
        let parts = function.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            throw Diagnostic(.usage, "`\(function)` is not NAMESPACE/NAME", help: "write it like demo/hello")
        }
        let found = snapshot.resources.values.filter {
            $0.address.type == "function" && (target == nil || $0.address.target == target!)
                && $0.attributes["namespace"]?.stringValue == parts[0]
                && $0.attributes["name"]?.stringValue == parts[1]
        }
        .sorted { $0.address < $1.address }
        for record in found {
            let parent = record.parent.flatMap { snapshot.resources[$0] }
            if let hub = parent.flatMap({ RecordedHub($0, of: snapshot, in: manifest) }) { return hub }
        }
        return try one(snapshot, in: manifest, target: target)
    }

    /// - Parameters:
    ///   - target: only hubs of this target.
    ///   - machine: only the hub of this machine.
    /// - Throws: a `Diagnostic` if there is none.
    static func one(
        _ snapshot: StateSnapshot, in manifest: ManifestPlace, target: String?, machine: String? = nil
    ) throws -> RecordedHub {
        func isMeant(_ hub: ResourceAddress) -> Bool {
            (target == nil || hub.target == target!) && (machine == nil || hub.name == machine!)
        }
        guard let hub = all(snapshot, in: manifest).first(where: { isMeant($0.address) }) else {
            let isWithoutToken = snapshot.resources.values.first { $0.address.type == "hub" && isMeant($0.address) }
            if let hub = isWithoutToken {
                throw Diagnostic(
                    .hubUnreachable, "the token of `\(hub.address)` is lost", address: hub.address.text,
                    help: "`osiris apply` gives the hub a new one")
            }
            throw Diagnostic(
                .noMatch,
                "the state has no hub\(machine.map { " on machine `\($0)`" } ?? "")\(target.map { " of target `\($0)`" } ?? "")",
                help: "`osiris apply` makes one; `osiris state list '*/hub.*'` lists them")
        }
        return hub
    }

    /// - Parameter what: what the hub was asked for, such as `backup`.
    /// - Throws: a `Diagnostic` with what the hub says, for any answer that is no success.
    func check(_ answer: HubClient.Answer, _ what: String) throws {
        if (200..<300).contains(answer.status) { return }
        throw Diagnostic(
            .hubRefused, "`\(address)` answers the \(what) with \(answer.status): \(answer.problem)",
            address: address.text,
            help: answer.status == 401
                ? "the recorded token is not the hub's: `osiris plan`"
                : "`osiris functions list` shows what it has, `osiris hub audit` what was done")
    }

    /// Calls with no more than the rights of `role`: who listens there may not be the hub.
    /// - Throws: a `Diagnostic` naming the hub if no answer comes.
    func call(
        _ method: String, _ path: String, as role: HubRole, body: Value? = nil, timeout: Duration = .seconds(60),
        receive: (@Sendable ([UInt8]) throws -> Void)? = nil, over http: any HTTPSending
    ) async throws -> HubClient.Answer {
        try await talking(as: role, over: http) { client in
            try await client.call(method, path, body: body, timeout: timeout, receive: receive)
        }
    }

    /// - Throws: a `Diagnostic` naming the hub if no answer comes, and what `body` throws.
    func talking(
        as role: HubRole = .admin, over http: any HTTPSending = Providers.http,
        _ body: (HubClient) async throws -> HubClient.Answer
    ) async throws -> HubClient.Answer {
        do {
            let secrets = login?.hasSecrets == true ? manifest.secrets(of: String(address.target)) : .none
            let via = try login?.route(folder: manifest.folder, secrets: secrets)
            return try await body(
                HubClient(
                    url: url, token: role.token(fromAdmin: adminToken), authority: authority, via: via, http: http))
        } catch let fault as HostLogin.Fault {
            throw Diagnostic(
                .hubUnreachable, "there is no way to `\(address)`: \(fault)", address: address.text,
                help: "see the target's settings in the manifest")
        } catch HubClient.Failure.certificate(let fault, let reason) {
            let advice = fault.advice
            throw Diagnostic(
                fault.code, "`\(address)` at \(url) is not spoken to: \(advice.meaning) (\(reason))",
                address: address.text, help: advice.help)
        } catch let failure as HubClient.Failure {
            throw Diagnostic(
                .hubUnreachable, "`\(address)` at \(url) does not answer: \(failure.reason)", address: address.text,
                help: "`osiris plan` shows what is wrong with it, `osiris apply` starts it again")
        }
    }
}

extension CertificateFault {
    var code: DiagnosticCode {
        switch self {
        case .expired, .notYetValid: .hubCertificateExpired
        case .untrusted: .hubNotTrusted
        case .otherName: .hubOtherName
        }
    }
}
