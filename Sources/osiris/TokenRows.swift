import ArgumentParser
import Foundation
import OsirisModel
import OsirisProviderKit

/// A token as several hubs show it.
struct ListedToken {
    static let columns = ["id", "name", "role", "namespaces", "expires", "last used", "rate", "hubs"]

    private var fields: [String: Value]
    private var hubs: [ResourceAddress] = []

    init(_ fields: [String: Value]) { self.fields = fields }

    var id: String { fields["id"]?.stringValue ?? "" }
    var name: String { fields["name"]?.stringValue ?? "" }

    /// Notes that a hub has it, and what that one knows of its use.
    mutating func add(_ fields: [String: Value], on hub: ResourceAddress) {
        hubs.append(hub)
        let times = [self.fields["lastUsed"], fields["lastUsed"]].compactMap { $0.flatMap(Self.number) }
        self.fields["lastUsed"] = times.max().map(Value.double) ?? .null
    }

    /// What the hubs say of it, and `hubs`: the addresses of those that have it.
    var value: Value { .map(fields.merging(["hubs": .list(hubs.map { .string($0.text) })]) { $1 }) }

    /// One cell for each column.
    /// - Parameter count: how many hubs were asked.
    func row(of count: Int) -> [String] {
        let namespaces = fields["namespaces"]?.listValue?.compactMap(\.stringValue).joined(separator: ",") ?? "all"
        let rate = fields["rate"]?.mapValue.flatMap { rate in
            rate["perSecond"].flatMap(Self.number).map { TokenRate.text(perSecond: $0) }
        }
        return [
            id, name, fields["role"]?.stringValue ?? "-", namespaces, time("expires", else: "never"),
            time("lastUsed", else: "-"), rate ?? "-", "\(hubs.count) of \(count)",
        ]
    }

    private func time(_ key: String, else absent: String) -> String {
        guard let seconds = fields[key].flatMap(Self.number) else { return absent }
        return Date(timeIntervalSince1970: seconds).formatted(.iso8601)
    }

    private static func number(_ value: Value) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }
}

/// `100/s`, `600/m`, `1000/h`: so many requests in that time, and as many at once.
struct TokenRate: ExpressibleByArgument {
    private static let seconds: [Substring: Double] = ["s": 1, "m": 60, "h": 3600]

    let perSecond: Double
    let burst: Int

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), (1...1_000_000).contains(count),
            let seconds = Self.seconds[parts[1]]
        else { return nil }
        (perSecond, burst) = (Double(count) / seconds, count)
    }

    /// In the largest of these units that makes it a whole number; near enough if none does.
    static func text(perSecond: Double) -> String {
        for (unit, seconds) in [("s", 1.0), ("m", 60), ("h", 3600)] {
            let count = perSecond * seconds
            if count >= 1, abs(count - count.rounded()) < 0.001 { return "\(Int(count.rounded()))/\(unit)" }
        }
        return "\(perSecond)/s"
    }
}
