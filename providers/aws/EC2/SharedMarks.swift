import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The marks of instances that one call made. Such a call gives all of them the same tags, so `osiris:address` and
/// `osiris:operation` are lists there, and an instance is the entry of its launch index, which EC2 counts from 0
/// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html).
extension CloudMarks {
    /// Those of an item of a listing. All marks are read by this.
    /// - Returns: nil unless the item says whose it is.
    init?(_ item: XMLNode) {
        var tags = item.tags
        let addresses = Self.entries(tags[Key.address.text])
        if addresses.count > 1 {
            guard let index = item.text("amiLaunchIndex").flatMap({ Int($0) }), addresses.indices.contains(index),
                let first = ResourceAddress(addresses[0])
            else { return nil }
            let operations = Self.entries(tags[Key.operation.text])
            let name = index == 0 ? first.name : Substring(addresses[index])
            tags[Key.address.text] = "\(first.target)/\(first.type).\(name)"
            tags[Key.operation.text] = operations.indices.contains(index) ? operations[index] : nil
        }
        self.init(tags)
    }

    private static func entries(_ text: String?) -> [String] { (text ?? "").split(separator: " ").map(String.init) }

    /// Whether the operation with this token made the object.
    func isMade(by token: String) -> Bool { operation == token || operation == Self.short(token) }

    /// Stands for a token in a list. Only tokens of one address are told apart by it.
    private static func short(_ token: String) -> String { Digest.hex(Digest.sha256Bytes(token.utf8).prefix(4)) }

    /// The tags of what one call makes, in the order of the launch indices.
    /// - Parameter members: of one target and type, at least one; so many that a tag, which holds 256 characters, can take
    ///   the list.
    static func tags(of members: [CloudMarks]) -> [String: String] {
        var tags = members[0].tags
        guard members.count > 1 else { return tags }
        let names = members.dropFirst().map { String($0.address.name) }
        tags[Key.address.text] = ([members[0].address.text] + names).joined(separator: " ")
        tags[Key.operation.text] = members.map { short($0.operation) }.joined(separator: " ")
        return tags
    }
}
