/// Two texts merged line by line.
enum LineDifference {
    /// Texts with more lines together are compared only at their ends: the exact comparison is quadratic at worst.
    private static let exactLimit = 2_000

    /// Every line of both: common ones once with a space, removed ones with `-`, new ones with `+`.
    static func merged(_ old: [Substring], _ new: [Substring]) -> [(mark: Character, text: Substring)] {
        let shared = min(old.count, new.count)
        let head = (0..<shared).first { old[$0] != new[$0] } ?? shared
        let tail =
            (0..<(shared - head)).first { old[old.count - 1 - $0] != new[new.count - 1 - $0] } ?? shared - head
        let (oldPart, newPart) = (old[head..<(old.count - tail)], new[head..<(new.count - tail)])
        var lines: [(mark: Character, text: Substring)] = old[..<head].map { (" ", $0) }
        if oldPart.count + newPart.count > exactLimit {
            lines += oldPart.map { ("-", $0) } + newPart.map { ("+", $0) }
        } else {
            let difference = newPart.difference(from: oldPart)
            // Offsets count from the start of each part.
            var removed = Set<Int>()
            var inserted = Set<Int>()
            for case .remove(let offset, _, _) in difference { removed.insert(offset) }
            for case .insert(let offset, _, _) in difference { inserted.insert(offset) }
            var (left, right) = (0, 0)
            while left < oldPart.count || right < newPart.count {
                if removed.contains(left) {
                    lines.append(("-", oldPart[oldPart.startIndex + left]))
                    left += 1
                } else if inserted.contains(right) {
                    lines.append(("+", newPart[newPart.startIndex + right]))
                    right += 1
                } else {
                    lines.append((" ", oldPart[oldPart.startIndex + left]))
                    (left, right) = (left + 1, right + 1)
                }
            }
        }
        return lines + old[(old.count - tail)...].map { (" ", $0) }
    }
}
