import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import Testing

/// Damaged manifests: every file of the corpus, changed at random, gives a cluster or an error and never a crash.
///
/// `make fuzz` runs it for ten minutes; the input at hand is then kept in a file, so that a crash leaves it behind.
@Suite("Random damage")
struct MutationTests {
    /// A small generator with a seed that can be printed (SplitMix64).
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private static let environment = ProcessInfo.processInfo.environment
    /// Zero for a short run.
    private static let seconds = environment["OSIRIS_FUZZ_SECONDS"].flatMap(Int.init) ?? 0

    /// What a fault is likely to be near.
    private static let pieces: [[UInt8]] = [
        "${", "}", "$${", "${var.", "${env.API_KEY}", "${target.", "machines[0].address}", "*base", "&x ", "<<: ", "\t",
        "\n", ": ", "- ", "\"", "'", "\u{0}", "[", "{", "]", "|\n", ">-\n", "!!int ", "!!str ", "!", "\r", "\r\n",
        "---\n", "...\n", "%YAML 1.2\n", "é", "😀", "\u{2028}", "\u{FEFF}", "? ", "# ", "null", "~", "true", "0x",
        "1e999",
        "99999999999999999999", "-", "kind: Overlay\n", "secret: true", "default: ", "type: list", "remove: [",
        "patch: {",
    ]
    .map { Array($0.utf8) }

    private static func corpus() throws -> [[UInt8]] {
        let folder = URL(fileURLWithPath: casesFolder)
        let names = FileManager.default.enumerator(atPath: casesFolder)?.compactMap { $0 as? String } ?? []
        return try names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") || $0.hasSuffix(".vars") }.sorted()
            .map { try Array(Data(contentsOf: folder.appendingPathComponent($0))) }
    }

    private static func damaged(_ corpus: [[UInt8]], using generator: inout Generator) -> [UInt8] {
        var bytes = corpus.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(bytes.count, index + Int.random(in: 1...40, using: &generator))
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2, 3: bytes.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: index)
            case 4: bytes.removeSubrange(index..<end)
            case 5:
                let other = corpus.randomElement(using: &generator) ?? []
                let start = other.isEmpty ? 0 : Int.random(in: 0..<other.count, using: &generator)
                bytes.insert(contentsOf: other[start..<min(other.count, start + 200)], at: index)
            default:
                let slice = Array(bytes[index..<end])
                let times = Int.random(in: 1...20, using: &generator)
                bytes.insert(contentsOf: (0..<times).flatMap { _ in slice }, at: index)
            }
        }
        return bytes
    }

    @Test("a damaged manifest gives a cluster or an error, and never a crash")
    func mutations() throws {
        let given = Self.environment["OSIRIS_SEED"].flatMap(UInt64.init)
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("MutationTests seed: \(seed) (repeat with OSIRIS_SEED=\(seed))")
        var generator = Generator(state: seed)
        let corpus = try Self.corpus()
        #expect(corpus.count > 100)
        let kept = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-fuzz-\(seed).yaml")
        let end = ContinuousClock.now + .seconds(Self.seconds)
        var round = 0
        while Self.seconds > 0 ? ContinuousClock.now < end : round < 1000 {
            round += 1
            let bytes = Self.damaged(corpus, using: &generator)
            if Self.seconds > 0 { try Data(bytes).write(to: kept) }
            if let fault = Self.fault(of: bytes) {
                try Data(bytes).write(to: kept)
                Issue.record("seed \(seed), round \(round): \(fault); the input is in \(kept.path)")
            }
        }
        print("MutationTests: \(round) inputs")
    }

    /// What loading does that it must not, or nil.
    private static func fault(of bytes: [UInt8]) -> String? {
        let loaded = ManifestLoader.load(
            ManifestOptions(
                paths: ["-"], environment: testEnvironment, standardInput: { bytes }, kinds: TestKinds.all,
                secretDigest: { "hmac-sha256:\($0.count)" }))
        if (loaded.cluster == nil) != loaded.diagnostics.hasErrors { return "neither a cluster nor an error, or both" }
        let text = DiagnosticRenderer.text(loaded.diagnostics, sources: loaded.sources)
        if text.isEmpty != loaded.diagnostics.isEmpty { return "diagnostics without text" }
        for diagnostic in loaded.diagnostics {
            for span in [diagnostic.span] + diagnostic.notes.map(\.span) {
                guard let span else { continue }
                if span.start.line < 1 || span.start.column < 1 || span.end < span.start { return "a place \(span)" }
                if span.start.line > loaded.lineCount + 1, loaded.lineCount > 0 {
                    return "a place below the end: \(span)"
                }
            }
            let json = Array(DiagnosticRenderer.json(diagnostic).utf8)
            if (try? Value(plainJSON: json)) == nil { return "a diagnostic that is not JSON" }
        }
        return nil
    }
}
