import Foundation
import OsirisModel
import Testing

/// A small generator with a printed seed, so that a failure can be repeated (SplitMix64, public domain).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct JSONRoundTripTests {
    @Test(arguments: [UInt64(1), 20_260_101, .random(in: 0...UInt64.max)])
    func everyValueComesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let value = Value.random(depth: 4, special: true, using: &generator)
            let bytes = value.json()
            #expect(try Value(json: bytes).json() == bytes, "seed \(seed)")
            if !value.containsNaN { #expect(try Value(json: bytes) == value, "seed \(seed): \(value.jsonText)") }
            #expect(try Value(json: Array(value.prettyJSONText.utf8)).json() == bytes, "seed \(seed)")
        }
    }

    @Test(arguments: [UInt64(2), .random(in: 0...UInt64.max)])
    func agreesWithFoundation(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let value = Value.random(depth: 4, special: false, using: &generator)
            let ours = value.plainJSON()
            let theirs = try JSONSerialization.jsonObject(with: Data(ours), options: .fragmentsAllowed)
            let again = try JSONSerialization.data(withJSONObject: theirs, options: .fragmentsAllowed)
            #expect(try Value(plainJSON: again).roundedForFoundation == value.roundedForFoundation, "seed \(seed)")
        }
    }

    @Test(arguments: [UInt64(3), .random(in: 0...UInt64.max)])
    func brokenDocumentsAreRefusedWithoutATrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<3_000 {
            var bytes = Value.random(depth: 3, special: true, using: &generator).json()
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(index...)
                default: bytes.insert(bytes[index], at: index)
                }
            }
            do throws(JSONError) {
                let value = try Value(json: bytes)
                #expect(try Value(json: value.json()).json() == value.json(), "seed \(seed)")
            } catch {
                #expect((0...bytes.count).contains(error.offset), "seed \(seed)")
            }
        }
    }

    @Test func equalValuesGiveEqualBytes() {
        var left: [String: Value] = [:]
        var right: [String: Value] = [:]
        for number in 0..<100 { left["key\(number)"] = .int(number) }
        for number in (0..<100).reversed() { right["key\(number)"] = .int(number) }
        #expect(Value.map(left).json() == Value.map(right).json())
        #expect(Value.map(["b": 1, "a": [], "c": [:]]).jsonText == #"{"a":[],"b":1,"c":{}}"#)
    }
}

extension Value {
    static func random(depth: Int, special: Bool, using generator: inout SeededGenerator) -> Value {
        func text(_ generator: inout SeededGenerator) -> String {
            let alphabet = [
                "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\u{1}", "\u{7F}", "é", "€", "😀", "$", "\u{2028}",
            ]
            return (0..<Int.random(in: 0...12, using: &generator)).map { _ in alphabet.randomElement(using: &generator)!
            }
            .joined()
        }
        switch Int.random(in: 0..<(special ? 12 : 8), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2: return .int(Int(truncatingIfNeeded: generator.next()) >> Int.random(in: 0...63, using: &generator))
        case 3:
            let number = Double(bitPattern: generator.next())
            return .double(special || number.isFinite && abs(number) < 1e15 && abs(number) > 1e-3 ? number : 0.5)
        case 4, 5: return .string(text(&generator))
        case 6 where depth > 0:
            return .list(
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                    random(depth: depth - 1, special: special, using: &generator)
                })
        case 7 where depth > 0:
            let keys = ["$secret", "$unknown", "$map", "$reference", "$other", text(&generator), "plain"].shuffled(
                using: &generator)
            var entries: [String: Value] = [:]
            for key in keys.prefix(Int.random(in: 0...3, using: &generator)) {
                entries[key] = random(depth: depth - 1, special: special, using: &generator)
            }
            return .map(entries)
        case 8: return .unknown
        case 9: return .secret(Secret(digest: "hmac-sha256:\(text(&generator))", plaintext: nil))
        case 10: return .reference(AttributeReference(ResourceAddress("here/hub.\(text(&generator))x")!, "url"))
        default: return .string("")
        }
    }

    /// NaN is not equal to itself, also inside other values.
    var containsNaN: Bool {
        switch self {
        case .double(let number): number.isNaN
        case .list(let items): items.contains { $0.containsNaN }
        case .map(let entries): entries.values.contains { $0.containsNaN }
        default: false
        }
    }

    /// Foundation writes some doubles as whole numbers: compare numbers as doubles.
    var roundedForFoundation: Value {
        switch self {
        case .int(let number): .double(Double(number))
        case .list(let items): .list(items.map(\.roundedForFoundation))
        case .map(let entries): .map(entries.mapValues(\.roundedForFoundation))
        default: self
        }
    }
}
