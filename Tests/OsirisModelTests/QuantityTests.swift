import OsirisModel
import Testing

@Suite("Quantities")
struct QuantityTests {
    @Test(
        "durations",
        arguments: [
            ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("1h30m", 5_400_000), ("1h1m1s1ms", 3_661_001),
            ("0s", 0), ("90m", 5_400_000), ("007s", 7000),
        ])
    func durations(text: String, expected: Int) { #expect(Quantities.milliseconds(text) == expected) }

    @Test(
        "texts that are no durations",
        arguments: [
            "", "10", "s", "10 s", "1.5s", "-1s", "+1s", "30m1h", "1s1s", "1d", "10S", "٣s", "9223372036854775807h",
            "99999999999999999999s", "9223372036854775807ms1ms", "1h ",
        ])
    func noDurations(text: String) { #expect(Quantities.milliseconds(text) == nil) }

    @Test(
        "sizes",
        arguments: [
            ("0", 0), ("1000", 1000), ("2G", 2_000_000_000), ("128Mi", 134_217_728), ("20Gi", 21_474_836_480),
            ("1Ki", 1024), ("5k", 5000), ("3Ti", 3_298_534_883_328), ("1M", 1_000_000), ("1T", 1_000_000_000_000),
        ])
    func sizes(text: String, expected: Int) { #expect(Quantities.bytes(text) == expected) }

    @Test(
        "texts that are no sizes",
        arguments: ["", "Mi", "1.5Gi", "-1", "128MB", "128mi", "1 Gi", "9223372036854775807Ki", "1Gi2Mi", "１Mi"])
    func noSizes(text: String) { #expect(Quantities.bytes(text) == nil) }

    @Test("percentages")
    func percentages() {
        #expect(Quantities.percent("25%") == 25)
        #expect(Quantities.percent("0%") == 0)
        #expect(Quantities.percent("100%") == 100)
        for text in ["101%", "-1%", "+5%", "%", "25", "2.5%", ""] { #expect(Quantities.percent(text) == nil) }
    }

    @Test("labels")
    func labels() {
        for text in ["a", "r1-n01", "0", String(repeating: "a", count: 63)] { #expect(Quantities.isLabel(text)) }
        for text in ["", "-a", "a-", "A", "a_b", "a.b", "ä", String(repeating: "a", count: 64)] {
            #expect(!Quantities.isLabel(text))
        }
    }

    @Test("what is formatted is read back")
    func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        let random = (0..<500).map { _ in Int.random(in: 0...(.max / 2), using: &generator) }
        let small = Array(0...2000) + [59_999, 60_000, 3_600_000, 3_599_999, .max, 1 << 20, 1_000_000, 1 << 62]
        for number in random + small {
            #expect(Quantities.milliseconds(Quantities.format(milliseconds: number)) == number)
            #expect(Quantities.bytes(Quantities.format(bytes: number)) == number)
        }
    }

    @Test("formatted texts")
    func formatted() {
        #expect(Quantities.format(milliseconds: 5_400_000) == "1h30m")
        #expect(Quantities.format(milliseconds: 250) == "250ms")
        #expect(Quantities.format(milliseconds: -1500) == "-1s500ms")
        #expect(Quantities.format(milliseconds: .min).hasPrefix("-"))
        #expect(Quantities.format(bytes: 134_217_728) == "128Mi")
        #expect(Quantities.format(bytes: 2_000_000_000) == "2G")
        #expect(Quantities.format(bytes: 1001) == "1001")
    }
}
