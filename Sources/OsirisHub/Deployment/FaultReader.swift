import OsirisModel

/// Walks a JSON object, takes what it expects and collects what is wrong.
struct FaultReader {
    /// One sentence per fault, in the order found.
    private(set) var faults: [String] = []

    mutating func fault(_ text: String) { faults.append(text) }

    /// The object's keys, after a fault for each one that is not expected.
    mutating func object(_ value: Value?, at path: String, keys: Set<String>? = nil) -> [String: Value] {
        guard let value else { return [:] }
        guard case .map(let object) = value else {
            fault("\(path) must be an object.")
            return [:]
        }
        if let keys {
            for key in object.keys.sorted() where !keys.contains(key) { fault("\(path) has no key \(key).") }
        }
        return object
    }

    mutating func string(_ value: Value?, at path: String) -> String? {
        guard let value else { return nil }
        guard case .string(let text) = value else {
            fault("\(path) must be a string.")
            return nil
        }
        return text
    }

    mutating func bool(_ value: Value?, at path: String) -> Bool? {
        guard let value else { return nil }
        guard case .bool(let flag) = value else {
            fault("\(path) must be true or false.")
            return nil
        }
        return flag
    }

    mutating func int(_ value: Value?, at path: String, in range: ClosedRange<Int>) -> Int? {
        guard let value else { return nil }
        guard case .int(let number) = value, range.contains(number) else {
            fault("\(path) must be a whole number in \(range.lowerBound)...\(range.upperBound).")
            return nil
        }
        return number
    }

    mutating func list(_ value: Value?, at path: String) -> [Value] {
        guard let value else { return [] }
        guard case .list(let list) = value else {
            fault("\(path) must be a list.")
            return []
        }
        return list
    }

    /// An object whose values are all strings.
    mutating func words(_ value: Value?, at path: String) -> [String: String] {
        var words: [String: String] = [:]
        for (key, value) in object(value, at: path).sorted(by: { $0.key < $1.key }) {
            words[key] = string(value, at: "\(path).\(key)")
        }
        return words
    }
}
