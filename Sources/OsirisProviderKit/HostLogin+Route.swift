import OsirisTransport

/// From recorded settings to a way to the host, as OpenSSH would go (ssh_config(5)).
extension HostLogin {
    /// Why there is no way, in one sentence without a full stop.
    public struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        public var description: String
    }

    /// Private keys that are tried when nobody names any, if they are there.
    private static let defaultIdentities = ["id_ed25519", "id_ecdsa", "id_rsa"]
    /// Jump hosts of jump hosts: more than anybody has, fewer than a circle.
    private static let mostJumps = 16

    /// - Parameters:
    ///   - folder: of the manifest, absolute: where relative paths start.
    ///   - secrets: for the host; the passphrase for keys on jump hosts too, the password for the host alone.
    /// - Throws: `Fault` for a jump host that cannot be understood, or a circle of them.
    public func route(
        folder: String, secrets: Secrets = .none, in surroundings: SSHSurroundings = .current
    ) throws(Fault) -> SSHRoute {
        let settings = surroundings.config.settings(for: address, user: user, home: surroundings.home)
        var destination = destination(settings, folder: folder, passphrase: secrets.passphrase, in: surroundings)
        destination.password = secrets.password
        var jumps: [SSHDestination] = []
        var next = jump ?? settings.jumps ?? []
        while !next.isEmpty {
            var hops: [SSHDestination] = []
            var before: [String] = []
            for (index, text) in next.enumerated() {
                guard var hop = HostLogin(jump: text) else {
                    throw Fault(description: "the jump host `\(text)` is not [user@]host[:port]")
                }
                (hop.identity, hop.agent, hop.hostKeys) = (identity, agent, hostKeys)
                let settings = surroundings.config.settings(for: hop.address, user: hop.user, home: surroundings.home)
                hops.append(hop.destination(settings, folder: folder, passphrase: secrets.passphrase, in: surroundings))
                // What leads to the nearest one; the others are reached over the one before.
                if index == 0 { before = settings.jumps ?? [] }
            }
            jumps = hops + jumps
            guard jumps.count <= Self.mostJumps else {
                throw Fault(
                    description: "the jump hosts of \(address) go in a circle, or are more than \(Self.mostJumps)")
            }
            next = before
        }
        return SSHRoute(destination, jumps: jumps)
    }

    /// Reads `[user@]host[:port]`; an IPv6 address with a port stands in brackets.
    /// - Returns: nil if it is not that.
    public init?(jump text: String) {
        var rest = text[...]
        var user: String?
        if let at = rest.lastIndex(of: "@") {
            user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        var port: Int?
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            let after = rest[rest.index(after: end)...]
            if !after.isEmpty {
                guard after.hasPrefix(":"), let number = Int(after.dropFirst()) else { return nil }
                port = number
            }
            rest = rest[rest.index(after: rest.startIndex)..<end]
        } else if let colon = rest.firstIndex(of: ":"), colon == rest.lastIndex(of: ":") {
            guard let number = Int(rest[rest.index(after: colon)...]) else { return nil }
            (port, rest) = (number, rest[..<colon])
        }
        guard !rest.isEmpty, user != "", port.map({ (1...65535).contains($0) }) ?? true,
            !rest.unicodeScalars.contains(where: { $0.properties.isWhitespace || "/[]@".unicodeScalars.contains($0) }),
            !rest.hasPrefix("-")
        else { return nil }
        self.init(address: String(rest), port: port, user: user)
    }

    private func destination(
        _ settings: SSHConfigFile.Settings, folder: String, passphrase: String?, in surroundings: SSHSurroundings
    ) -> SSHDestination {
        func absolute(_ path: String) -> String {
            if path.hasPrefix("~/") { return surroundings.home + path.dropFirst() }
            return path.hasPrefix("/") ? path : folder + "/" + path
        }
        var keys = identity.isEmpty ? settings.identityFiles : identity.map(absolute)
        if keys.isEmpty {
            keys = Self.defaultIdentities.map { "\(surroundings.home)/.ssh/\($0)" }.filter(surroundings.exists)
        }
        var agent = self.agent ? surroundings.agent : nil
        switch settings.agent {
        case nil, "SSH_AUTH_SOCK": break
        case "none": agent = nil
        case let path?: if self.agent { agent = path }
        }
        let own = settings.knownHosts.isEmpty
        let knownHosts =
            hostKeys.map { [absolute($0)] }
            ?? (own ? ["known_hosts", "known_hosts2"].map { "\(surroundings.home)/.ssh/\($0)" } : settings.knownHosts)
            + ["/etc/ssh/ssh_known_hosts"]
        var destination = SSHDestination(
            host: settings.hostName ?? address, port: port ?? settings.port ?? 22,
            user: user ?? settings.user ?? surroundings.user,
            identities: keys.map { .init(path: $0, passphrase: passphrase) }, agent: agent,
            knownHosts: knownHosts, hostKeyAlias: settings.hostKeyAlias)
        destination.identitiesOnly = settings.identitiesOnly
        if !self.keys.isEmpty { (destination.knownKeys, destination.knownHosts) = (self.keys, []) }
        return destination
    }
}
