import Foundation
import OsirisModel

/// What a host is and has, as `probe.sh` found it. What it could not find out is nil or empty.
public struct HostFacts: Sendable, Hashable {
    public struct OS: Sendable, Hashable {
        /// As in os-release(5): `debian`, `rhel`.
        public var id: String
        /// Such as `12`.
        public var version: String
        /// Systems it is like, such as `rhel fedora`; the nearest first.
        public var like: [String]
    }

    public struct Engine: Sendable, Hashable {
        public var version: String
        public var path: String
        /// Size and time of change of the program; a line `NAME STAMP VERSION` in the folder's file `engine.stat` saves
        /// the next probe from asking it for the version.
        public var stamp: String
    }

    /// How the probe got the rights of root.
    public enum Rights: Sendable, Hashable {
        case root, sudo, doas
        /// It has none; why, in one sentence without a full stop, and what to do.
        case none(reason: String, help: String)

        public var text: String {
            switch self {
            case .root: "root"
            case .sudo: "sudo"
            case .doas: "doas"
            case .none: "none"
            }
        }
    }

    public struct Firewall: Sendable, Hashable {
        /// `ufw` or `firewalld`.
        public var name: String
        /// TCP ports that it lets in; nil where that could not be found out.
        public var ports: [ClosedRange<Int>]?

        /// Nil if nobody can say.
        public func letsIn(_ port: Int) -> Bool? { ports.map { $0.contains { $0.contains(port) } } }
    }

    public var os: OS
    /// As `uname -m`: `x86_64`, `aarch64`.
    public var arch: String
    public var kernel: String
    /// What the machine calls itself.
    public var hostname: String
    /// `/etc/machine-id`: the same for two names of one machine.
    public var machine: String?
    public var hasSystemd: Bool
    /// Version of control groups, 1 or 2.
    public var cgroups: Int?
    /// The program for packages, such as `apt-get`; nil for one osiris does not know.
    public var packages: String?
    public var rights: Rights
    /// Bytes in all, and available.
    public var memory: Int?
    public var memoryFree: Int?
    public var cpus: Int?
    /// Bytes of the file system of osiris's folder in all, and available to root.
    public var disk: Int?
    public var diskFree: Int?
    /// How far its clock is ahead of this machine's, in seconds; 0 if the difference may come from the way.
    public var skew: Int
    /// Engines by name, `podman` and `docker`.
    public var engines: [String: Engine]
    /// `active`, `inactive`, `failed` and so on (systemd); nil if there is no unit or container of the hub.
    public var hub: String?
    /// systemd's word for the details, such as `auto-restart`, or the container's state.
    public var hubDetail: String?
    public var hubRestarts: Int?
    /// `enabled` for a unit that comes back after a reboot.
    public var hubEnabled: String?
    /// TCP ports that something listens on, and the program's name; empty where it was not looked up.
    public var listening: [Int: String]
    /// The one that is on; nil for none, or one that osiris does not know.
    public var firewall: Firewall?
    /// Files of osiris's folder by name without `.json`: `host`, `engine`, `fence`.
    public var markers: [String: [UInt8]]
    /// True if there is a folder of osiris, and it cannot be read without more rights: `markers` says nothing then.
    public var isFolderUnreadable: Bool

    public var isHubRunning: Bool { hub == "active" }

    public func has(engine: String) -> Bool { engines[engine] != nil }

    /// Of the engine that osiris would take: podman before docker.
    public var engineVersion: String? { (engines["podman"] ?? engines["docker"])?.version }
}

extension HostFacts {
    /// Reads what the probe wrote.
    /// - Parameters:
    ///   - began, ended: when the probe was sent and its answer was there, in seconds since 1970.
    /// - Returns: nil if it is not that.
    public init?(_ output: [UInt8], began: Double, ended: Double) {
        guard let fields = (try? Value(plainJSON: output))?.mapValue, let arch = fields["arch"]?.stringValue,
            let listening = fields["listening"]?.mapValue
        else { return nil }
        func text(_ key: String) -> String? { fields[key]?.stringValue }
        os = OS(
            id: text("os") ?? "unknown", version: text("osVersion") ?? "",
            like: (text("osLike") ?? "").split(separator: " ").map(String.init))
        self.arch = arch
        kernel = text("kernel") ?? ""
        hostname = text("hostname") ?? ""
        machine = text("machine")
        hasSystemd = text("init") == "systemd"
        cgroups = fields["cgroups"]?.intValue
        packages = text("packages")
        rights =
            switch text("rights") {
            case "root": .root
            case "sudo": .sudo
            case "doas": .doas
            default: .none(reason: "the login has not the rights of root", help: "log in as root, or set `become`")
            }
        memory = fields["memory"]?.intValue
        memoryFree = fields["memoryFree"]?.intValue
        cpus = fields["cpus"]?.intValue
        disk = fields["disk"]?.intValue
        diskFree = fields["diskFree"]?.intValue
        skew = Self.skew(fields["clock"]?.numberValue, began: began, ended: ended)
        engines = (fields["engines"]?.mapValue ?? [:]).mapValues {
            let engine = $0.mapValue ?? [:]
            return Engine(
                version: engine["version"]?.stringValue ?? "", path: engine["path"]?.stringValue ?? "",
                stamp: engine["stamp"]?.stringValue ?? "")
        }
        hub = text("hub")
        hubDetail = text("hubDetail")
        hubRestarts = fields["hubRestarts"]?.intValue
        hubEnabled = text("hubEnabled")
        self.listening = Dictionary(
            uniqueKeysWithValues: listening.compactMap { port, name in Int(port).map { ($0, name.stringValue ?? "") } })
        firewall = text("firewall").map { Firewall(name: $0, ports: text("firewallPorts").map(Self.ports)) }
        markers = Self.markers(text("files"))
        isFolderUnreadable = fields["unreadable"] == true
    }

    /// Of words such as `22` and `8000-8100`.
    private static func ports(_ text: String) -> [ClosedRange<Int>] {
        text.split(separator: " ").compactMap { word in
            let ends = word.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return nil }
            return first...last
        }
    }

    /// The host read its clock between the two moments, and to a second.
    private static func skew(_ clock: Double?, began: Double, ended: Double) -> Int {
        guard let clock else { return 0 }
        if clock > ended { return Int(clock - ended) }
        if clock + 1 < began { return -Int(began - clock - 1) }
        return 0
    }

    /// Lines of all files, each with its file's name and a colon before it, in base64.
    private static func markers(_ base64: String?) -> [String: [UInt8]] {
        guard let data = base64.flatMap({ Data(base64Encoded: $0) }) else { return [:] }
        var markers: [String: [UInt8]] = [:]
        for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let path = String(decoding: line[..<colon], as: UTF8.self)
            let file = path.split(separator: "/").last.map(String.init) ?? path
            let name = file.hasSuffix(".json") ? String(file.dropLast(5)) : file
            markers[name, default: []] += line[line.index(after: colon)...] + [UInt8(ascii: "\n")]
        }
        return markers
    }
}
