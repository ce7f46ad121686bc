/// A block of IPv4 addresses in CIDR notation: `10.20.0.0/16` (RFC 4632).
public struct IPv4Block: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The first address.
    public let first: UInt32
    /// Length of the prefix, 0 to 32.
    public let bits: Int

    /// Nil unless `text` is four numbers and a prefix length, with no bit set behind the prefix.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let bits = Self.number(parts[1], most: 32) else { return nil }
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false).map {
            Self.number($0, most: 255)
        }
        guard numbers.count == 4, !numbers.contains(nil) else { return nil }
        let first = numbers.reduce(UInt32(0)) { $0 << 8 | UInt32($1!) }
        guard first & ~Self.mask(bits) == 0 else { return nil }
        (self.first, self.bits) = (first, bits)
    }

    private init(first: UInt32, bits: Int) { (self.first, self.bits) = (first, bits) }

    /// Decimal digits without a sign or a leading zero.
    private static func number(_ text: some StringProtocol, most: Int) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || !text.hasPrefix("0"),
            let number = Int(text), number <= most
        else { return nil }
        return number
    }

    private static func mask(_ bits: Int) -> UInt32 { bits == 0 ? 0 : ~UInt32(0) << UInt32(32 - bits) }

    /// True if some address is in both.
    public func overlaps(_ other: IPv4Block) -> Bool {
        let mask = Self.mask(min(bits, other.bits))
        return first & mask == other.first & mask
    }

    /// The part number `index`, from 0, of the block cut into equal parts.
    /// - Parameter bits: prefix length of a part, `self.bits` to 32.
    /// - Returns: nil if there is no such part.
    public func part(_ index: Int, bits: Int) -> IPv4Block? {
        guard (self.bits...32).contains(bits), index >= 0, index >> (bits - self.bits) == 0 else { return nil }
        return IPv4Block(first: first + (bits == 0 ? 0 : UInt32(index) << UInt32(32 - bits)), bits: bits)
    }

    public var description: String {
        let numbers = [24, 16, 8, 0].map { String(first >> UInt32($0) & 255) }
        return "\(numbers.joined(separator: "."))/\(bits)"
    }

    public static func < (left: IPv4Block, right: IPv4Block) -> Bool {
        (left.first, left.bits) < (right.first, right.bits)
    }
}
