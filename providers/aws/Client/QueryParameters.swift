/// Parameters of a Query call, by their names on the wire
/// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html). Lists are numbered from 1.
public struct QueryParameters: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    public private(set) var values: [String: String] = [:]

    public init() {}
    public init(dictionaryLiteral elements: (String, String)...) {
        values = Dictionary(elements) { $1 }
    }

    /// Nil leaves the parameter out.
    public subscript(name: String) -> String? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// `InstanceId.1`, `InstanceId.2`, …
    public mutating func list(_ name: String, _ items: [String]) {
        for (number, item) in items.enumerated() { values["\(name).\(number + 1)"] = item }
    }

    /// Adds a filter: one of the values must hold. `*` and `?` in them stand for any text.
    public mutating func filter(_ name: String, _ items: [String]) {
        let number = next("Filter")
        values["Filter.\(number).Name"] = name
        list("Filter.\(number).Value", items)
    }

    /// Adds tags for the objects of a type that the call makes, such as `vpc`.
    public mutating func tags(_ type: String, _ tags: [String: String]) {
        let number = next("TagSpecification")
        values["TagSpecification.\(number).ResourceType"] = type
        enumerate(tags, "TagSpecification.\(number).Tag")
    }

    /// `Tag.1.Key`, `Tag.1.Value`, …, as CreateTags has them.
    public mutating func tags(_ tags: [String: String]) { enumerate(tags, "Tag") }

    private mutating func enumerate(_ tags: [String: String], _ name: String) {
        for (number, tag) in tags.sorted(by: { $0.key < $1.key }).enumerated() {
            values["\(name).\(number + 1).Key"] = tag.key
            values["\(name).\(number + 1).Value"] = tag.value
        }
    }

    private func next(_ name: String) -> Int {
        var number = 1
        while values.keys.contains(where: { $0.hasPrefix("\(name).\(number).") }) { number += 1 }
        return number
    }
}
