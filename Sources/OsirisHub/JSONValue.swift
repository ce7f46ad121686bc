/// Any JSON document, for requests whose every fault is told at once.
enum JSONValue: Decodable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? container.decode(Int.self) {
            self = .int(number)
        } else if let number = try? container.decode(Double.self) {
            self = .double(number)
        } else if let list = try? container.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }
}

/// Walks a JSON object, takes what it expects and collects what is wrong.
struct JSONReader {
    /// One sentence per fault, in the order found.
    private(set) var faults: [String] = []

    mutating func fault(_ text: String) { faults.append(text) }

    /// The object's keys, after a fault for each one that is not expected.
    mutating func object(_ value: JSONValue?, at path: String, keys: Set<String>? = nil) -> [String: JSONValue] {
        guard let value else { return [:] }
        guard case .object(let object) = value else {
            fault("\(path) must be an object.")
            return [:]
        }
        if let keys {
            for key in object.keys.sorted() where !keys.contains(key) { fault("\(path) has no key \(key).") }
        }
        return object
    }

    mutating func string(_ value: JSONValue?, at path: String) -> String? {
        guard let value else { return nil }
        guard case .string(let text) = value else {
            fault("\(path) must be a string.")
            return nil
        }
        return text
    }

    mutating func bool(_ value: JSONValue?, at path: String) -> Bool? {
        guard let value else { return nil }
        guard case .bool(let flag) = value else {
            fault("\(path) must be true or false.")
            return nil
        }
        return flag
    }

    mutating func int(_ value: JSONValue?, at path: String, in range: ClosedRange<Int>) -> Int? {
        guard let value else { return nil }
        guard case .int(let number) = value, range.contains(number) else {
            fault("\(path) must be a whole number in \(range.lowerBound)...\(range.upperBound).")
            return nil
        }
        return number
    }

    mutating func list(_ value: JSONValue?, at path: String) -> [JSONValue] {
        guard let value else { return [] }
        guard case .list(let list) = value else {
            fault("\(path) must be a list.")
            return []
        }
        return list
    }

    /// An object whose values are all strings.
    mutating func words(_ value: JSONValue?, at path: String) -> [String: String] {
        var words: [String: String] = [:]
        for (key, value) in object(value, at: path).sorted(by: { $0.key < $1.key }) {
            words[key] = string(value, at: "\(path).\(key)")
        }
        return words
    }
}
