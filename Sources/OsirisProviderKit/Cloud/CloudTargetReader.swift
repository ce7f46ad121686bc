import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// Reads the common fields of one target and collects the faults.
struct CloudTargetReader {
    private let target: Target
    private let cluster: Cluster
    private(set) var faults: [Diagnostic] = []

    init(_ target: Target, _ cluster: Cluster) { (self.target, self.cluster) = (target, cluster) }

    mutating func read() -> CloudTarget {
        let settings = target.settings
        let machines = settings["machines"]?.mapValue ?? [:]
        let access = settings["access"]?.mapValue ?? [:]
        let (network, subnets) = network()
        let ssh = access["ssh"]?.mapValue ?? [:]
        let key = ssh["publicKey"]?.stringValue.flatMap { publicKey($0) }
        var rules = rules(.ssh, port: 22, ssh["from"])
        rules += self.rules(.hub, port: cluster.hub.port, access["hub"]?.mapValue?["from"])
        return CloudTarget(
            region: settings["region"]?.stringValue ?? "", network: network, subnets: subnets,
            machines: (0..<(machines["count"]?.intValue ?? 0)).map { "m\($0 + 1)" },
            machineType: machines["type"]?.stringValue ?? "", image: machines["image"]?.stringValue ?? "",
            disk: disk(machines["disk"]), publicAddress: machines["publicAddress"]?.boolValue ?? true, publicKey: key,
            user: ssh["user"]?.stringValue, identity: ssh["identity"]?.stringValue, rules: rules, tags: tags())
    }

    private mutating func network() -> (IPv4Block, [IPv4Block]) {
        let settings = target.settings["network"]?.mapValue ?? [:]
        let none = IPv4Block("0.0.0.0/0")!
        let text = settings["cidr"]?.stringValue ?? ""
        guard let network = IPv4Block(text) else {
            fault(
                .invalidPattern, "`\(text)` is not a block of IPv4 addresses", "network.cidr",
                help: "such as 10.20.0.0/16, with no bit set behind the prefix")
            return (none, [])
        }
        guard (16...24).contains(network.bits) else {
            fault(.outOfRange, "the network \(network) must be a /16 to a /24", "network.cidr")
            return (none, [])
        }
        for other in cluster.targets where other.name < target.name {
            guard let cidr = other.settings["network"]?.mapValue?["cidr"]?.stringValue, let taken = IPv4Block(cidr),
                taken.overlaps(network)
            else { continue }
            faults.append(
                Diagnostic(
                    .conflictingKeys, "target \(target.name): the network \(network) overlaps that of \(other.name)",
                    at: target.spans["network.cidr"],
                    notes: [.init("\(other.name) has \(taken)", at: other.spans["network.cidr"])],
                    help: "give each target a block of its own, so that they can be joined one day"))
        }
        let count = settings["subnets"]?.intValue ?? 1
        let subnets = (0..<count).compactMap { network.part($0, bits: network.bits + CloudTarget.subnetBits) }
        return (network, subnets)
    }

    /// Clouds count disks in GiB.
    private mutating func disk(_ value: Value?) -> Int? {
        guard let bytes = value?.intValue else { return nil }
        guard bytes > 0, bytes % (1 << 30) == 0 else {
            fault(.outOfRange, "machines.disk must be a whole number of GiB", "machines.disk", help: "such as 20Gi")
            return nil
        }
        return bytes
    }

    private mutating func publicKey(_ path: String) -> String? {
        let file = path.hasPrefix("/") ? path : "\(cluster.folder)/\(path)"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            fault(.fileUnreadable, "\(path) cannot be read", "access.ssh.publicKey")
            return nil
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, words[0].hasPrefix("ssh-") || words[0].hasPrefix("ecdsa-"),
            Data(base64Encoded: String(words[1])) != nil
        else {
            fault(
                .invalidPattern, "\(path) is not a public key of OpenSSH", "access.ssh.publicKey",
                help: "name the file that ends in .pub")
            return nil
        }
        return "\(words[0]) \(words[1])"
    }

    private mutating func rules(_ purpose: CloudTarget.Rule.Purpose, port: Int, _ sources: Value?) -> [CloudTarget.Rule]
    {
        var rules: [CloudTarget.Rule] = []
        for (index, source) in (sources?.listValue ?? []).enumerated() {
            let path = "access.\(purpose.rawValue).from.\(index)"
            guard let block = IPv4Block(source.stringValue ?? "") else {
                fault(
                    .invalidPattern, "`\(source.stringValue ?? "")` is not a block of IPv4 addresses", path,
                    help: "one address is 203.0.113.7/32, everybody is 0.0.0.0/0")
                continue
            }
            let rule = CloudTarget.Rule(purpose: purpose, port: port, source: block)
            if !rules.contains(rule) { rules.append(rule) }
        }
        return rules
    }

    private mutating func tags() -> [String: String] {
        let tags = (target.settings["tags"]?.mapValue ?? [:]).compactMapValues(\.stringValue)
        for key in tags.keys.sorted() where key.hasPrefix(CloudMarks.prefix) || key == "Name" {
            fault(.conflictingKeys, "the tag `\(key)` is the provisioner's", "tags.\(key)", help: "take another key")
        }
        return tags
    }

    private mutating func fault(_ code: DiagnosticCode, _ message: String, _ path: String, help: String? = nil) {
        faults.append(Diagnostic(code, "target \(target.name): \(message)", at: target.spans[path], help: help))
    }
}
