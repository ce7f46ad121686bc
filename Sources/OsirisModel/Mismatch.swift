/// A place where an answer is not what was expected.
public struct Mismatch: Sendable, Equatable {
    /// Keys and indices from the whole to the part, with dots between, as in `items.0.price`; empty for the whole.
    public var path: String
    public var expected: Value
    /// Nil if there is nothing at the place.
    public var found: Value?

    public init(path: String, expected: Value, found: Value?) {
        self.path = path
        self.expected = expected
        self.found = found
    }
}

extension Value {
    /// Compares an answer with this, the expected one: objects by the expected keys, all else for equality. A number is a
    /// number, whether it is written with a fraction or not.
    /// - Returns: each place that differs, in order; empty if nothing does.
    public func mismatches(with answer: Value, at path: String = "") -> [Mismatch] {
        func inside(_ part: String) -> String { path.isEmpty ? part : "\(path).\(part)" }
        switch (self, answer) {
        case (.map(let wanted), .map(let found)):
            return wanted.sorted { $0.key < $1.key }.flatMap { key, value in
                guard let part = found[key] else { return [Mismatch(path: inside(key), expected: value, found: nil)] }
                return value.mismatches(with: part, at: inside(key))
            }
        case (.list(let wanted), .list(let found)) where wanted.count == found.count:
            return zip(wanted, found).enumerated().flatMap { index, pair in
                pair.0.mismatches(with: pair.1, at: inside(String(index)))
            }
        case (.int(let wanted), .double(let found)) where Double(wanted) == found: return []
        case (.double(let wanted), .int(let found)) where wanted == Double(found): return []
        default: return self == answer ? [] : [Mismatch(path: path, expected: self, found: answer)]
        }
    }
}
