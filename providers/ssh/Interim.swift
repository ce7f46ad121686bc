import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

struct SSHTarget {
    struct Host {
        var name: String
        var login: HostLogin
        var domain: String
    }
    var hosts: [Host]
    var secrets: HostLogin.Secrets
    var elevation: SSHElevation
    init(_ target: Target) throws {
        let s = target.settings
        let identity = s["identity"]?.stringValue.map { [$0] } ?? []
        hosts = (s["hosts"]?.listValue ?? []).map { v in
            let f = v.mapValue ?? ["host": v]
            let address = f["host"]?.stringValue ?? ""
            return Host(
                name: f["name"]?.stringValue ?? address,
                login: HostLogin(
                    address: address, user: s["user"]?.stringValue, identity: identity, agent: false,
                    hostKeys: s["hostKeys"]?.stringValue), domain: target.name)
        }
        secrets = HostLogin.Secrets(s)
        elevation = SSHElevation(.auto)
    }
    static let schema = Schema([
        Field("hosts", .list(of: .any), required: true, doc: "Hosts"),
        Field("user", .string, doc: "User"), Field("identity", .string, doc: "key"),
        Field("hostKeys", .string, doc: "key"),
        Field("port", .int(1...65535), doc: "port"),
        Field("engine", .any, doc: "engine"),
        Field("uploads", .int(1...64), default: 8, doc: "uploads"),
        Field("confirm", .duration, default: .int(60000), doc: "confirm"),
    ])
}

extension HostPlace {
    init(_ resource: ResourceAddress, recorded: [Attributes], in cluster: Cluster) throws {
        let target = cluster.targets.first { $0.name == resource.target }
        let t = try target.map { try SSHTarget($0) }
        let m = t?.hosts.first { $0.name == resource.name }
        guard let login = m?.login ?? HostLogin.of(recorded) else {
            throw ProviderError(.rejected, "\(resource): nobody knows how its host is reached")
        }
        name = String(resource.name)
        self.login = login
        route = try login.route(folder: cluster.folder, secrets: t?.secrets ?? .none)
        elevation = t?.elevation ?? SSHElevation(.auto)
        folder = "/var/lib/osiris"
    }
    static func all(of target: Target, in cluster: Cluster) throws -> [(ResourceAddress, HostPlace)] {
        try SSHTarget(target).hosts.map { h in
            let a = ResourceAddress(target: target.name, type: "host", name: h.name)
            return (a, try HostPlace(a, recorded: [], in: cluster))
        }
    }
}

struct HostFacts: Sendable {
    struct OS: Sendable {
        var id: String
        var version: String
    }
    var os: OS
    var arch: String
    var markers: [String: [UInt8]]
    var engines: [String: String]
    var engineVersion: String? { engines.values.first }
    var isHubRunning: Bool
    func has(engine: String) -> Bool { engines[engine] != nil }
}

actor HostProbes {
    let sessions: SSHSessions
    var known: [HostPlace: Task<HostFacts, any Error>] = [:]
    init(sessions: SSHSessions) { self.sessions = sessions }
    func forget(_ p: HostPlace) { known[p] = nil }
    func facts(_ p: HostPlace) async -> Result<HostFacts, SSHError> {
        let t = known[p] ?? Task { try await look(p) }
        known[p] = t
        do { return .success(try await t.value) } catch let e as SSHError { return .failure(e) } catch {
            return .failure(SSHError(.lost, p.name, "\(error)"))
        }
    }
    private func look(_ p: HostPlace) async throws -> HostFacts {
        let script = #"""
            . /etc/os-release; echo "os $ID $VERSION_ID"; echo "arch $(uname -m)"
            for n in host engine image hub; do [ ! -e "$1/$n.json" ] || echo "marker $n $(base64 -w0 <"$1/$n.json")"; done
            for e in podman docker; do command -v $e >/dev/null && echo "engine $e 0"; done
            for e in podman docker; do command -v $e >/dev/null && [ -n "$($e ps -q --filter name=^osiris-hub$)" ] && echo "running yes"; done
            true
            """#
        let r = try await sessions.connection(to: p.route).run(script: script, as: p.elevation, arguments: [p.folder])
        var f = HostFacts(os: .init(id: "", version: ""), arch: "", markers: [:], engines: [:], isHubRunning: false)
        for line in String(decoding: r.output, as: UTF8.self).split(separator: "\n") {
            let w = line.split(separator: " ").map(String.init)
            switch w[0] {
            case "os": f.os = .init(id: w[1], version: w[2])
            case "arch": f.arch = w[1]
            case "marker": f.markers[w[1]] = Array(Data(base64Encoded: w[2])!)
            case "engine": f.engines[w[1]] = w[2]
            case "running": f.isHubRunning = true
            default: break
            }
        }
        return f
    }
}
