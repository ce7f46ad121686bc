/// A pattern over addresses: `*` stands for any run of characters, all else for itself.
public struct Glob: Sendable, Hashable {
    public let pattern: String

    public init(_ pattern: String) { self.pattern = pattern }

    /// True if the whole text matches; linear in practice, never exponential.
    public func matches(_ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        let star = UInt8(ascii: "*")
        var (p, t) = (0, 0)
        // Where to go on when a character does not match: after the last star, one more character swallowed by it.
        var retry: (p: Int, t: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == star {
                p += 1
                retry = (p, t)
            } else if p < pattern.count, pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let (lastP, lastT) = retry {
                p = lastP
                t = lastT + 1
                retry = (lastP, t)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == star }
    }
}
