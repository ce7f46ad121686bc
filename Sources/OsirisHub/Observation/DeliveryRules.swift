import Foundation

/// Where the hub may send messages that users ask for. Plain: a URL or an address in, a fault or a verdict out.
///
/// The URL is judged when it is given, the address when the connection is made: a name may lead anywhere, and to another
/// place tomorrow.
struct DeliveryRules: Sendable {
    /// Longest URL, bytes.
    static let mostBytes = 2_048

    /// Host names and numeric addresses, each alone or as `*.example.com` for every name below it; nil allows every host.
    let allow: [String]?

    init(allow: [String]? = nil) { self.allow = allow?.map { $0.lowercased() } }

    /// What is wrong with a URL as a sentence for its author; nil if nothing is.
    func fault(_ url: String) -> String? {
        guard url.utf8.count <= Self.mostBytes else { return "The URL is longer than \(Self.mostBytes) bytes." }
        guard let parts = URLComponents(string: url, encodingInvalidCharacters: false),
            let scheme = parts.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = parts.host?.lowercased(), !host.isEmpty
        else { return "The URL must be a whole one that begins with http:// or https://." }
        guard parts.user == nil, parts.password == nil else { return "The URL must not hold a user or a password." }
        guard isAllowed(host) else { return "The operator of this hub does not allow the host \(host)." }
        let address = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        guard !Self.isRefused(address: address) else { return "The hub sends nothing to the address \(address)." }
        return nil
    }

    private func isAllowed(_ host: String) -> Bool {
        guard let allow else { return true }
        return allow.contains { $0.hasPrefix("*.") ? host.hasSuffix($0.dropFirst()) : host == $0 }
    }

    /// True for a numeric address at which a cloud tells a machine its secrets: link-local ones (RFC 3927, RFC 4291) and
    /// `fd00:ec2::254`, also as IPv4 inside of IPv6. Text that is no numeric address is none of them.
    static func isRefused(address: String) -> Bool {
        // A scope, as in fe80::1%eth0, is not part of the number.
        let number = String(address.prefix { $0 != "%" })
        var four = in_addr()
        if inet_pton(AF_INET, number, &four) == 1 { return isLinkLocal(withUnsafeBytes(of: four) { Array($0) }) }
        var six = in6_addr()
        guard inet_pton(AF_INET6, number, &six) == 1 else { return false }
        let bytes = withUnsafeBytes(of: six) { Array($0) }
        if bytes.starts(with: mapped) || bytes.starts(with: translated) { return isLinkLocal(Array(bytes.suffix(4))) }
        return bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 || bytes == metadata
    }

    private static func isLinkLocal(_ four: [UInt8]) -> Bool { four.starts(with: [169, 254]) }

    /// `::ffff:0:0/96` (RFC 4291, section 2.5.5.2).
    private static let mapped: [UInt8] = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
    /// `64:ff9b::/96` (RFC 6052, section 2.1).
    private static let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8)
    /// `fd00:ec2::254` of AWS.
    private static let metadata: [UInt8] =
        [0xFD, 0, 0x0E, 0xC2] + [UInt8](repeating: 0, count: 10) + [0x02, 0x54]
}
