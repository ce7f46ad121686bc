/// Finds what a misspelt word may have meant.
public enum Suggestion {
    /// The nearest of `candidates`, if it is near enough; the first of equally near ones.
    public static func didYouMean(_ word: String, among candidates: some Sequence<String>) -> String? {
        let plain = folded(word)
        guard !plain.isEmpty, plain.count <= 64 else { return nil }
        let limit = max(1, plain.count / 3)
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let other = folded(candidate)
            guard abs(other.count - plain.count) <= limit else { continue }
            let distance = distance(plain, other)
            // A short word that shares no letter is another word, not a slip.
            guard distance <= limit, distance < max(plain.count, other.count) else { continue }
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word ?? candidates.first { isStem(folded($0), plain) || isStem(plain, folded($0)) }
    }

    /// `env` for `environment`, `integer` for `int`.
    private static func isStem(_ stem: [Character], _ word: [Character]) -> Bool {
        stem.count >= 3 && word.starts(with: stem)
    }

    /// The optimal string alignment distance: insertions, deletions, replacements, swaps of neighbours.
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }

    /// `always_on`, `AlwaysOn` and `alwaysOn` are one word.
    private static func folded(_ word: String) -> [Character] {
        word.prefix(65).lowercased().filter { $0 != "_" && $0 != "-" }
    }
}

extension String {
    /// In backticks for a message, cut when long.
    var ticked: String {
        if isEmpty { return "an empty text" }
        return count > 60 ? "`\(prefix(57))…`" : "`\(self)`"
    }
}

extension Sequence<String> {
    /// `a`, `b` and so on: each in backticks, at most `limit` of them.
    func ticked(limit: Int = 12) -> String {
        let all = map(\.ticked)
        return all.prefix(limit).joined(separator: ", ") + (all.count > limit ? ", …" : "")
    }
}
