import Foundation
import OsirisDiagnostics
import OsirisManifest
import Testing

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

    @Test("a damaged manifest gives a cluster or an error, and never a crash")
    func mutations() throws {
        let given = ProcessInfo.processInfo.environment["OSIRIS_SEED"].flatMap(UInt64.init)
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("MutationTests seed: \(seed) (repeat with OSIRIS_SEED=\(seed))")
        var generator = Generator(state: seed)
        let original = try Array(Data(contentsOf: URL(fileURLWithPath: casesFolder + "/good-full/manifest.yaml")))
        let pieces: [[UInt8]] = [
            "${", "}", "*base", "&x ", "<<: ", "\t", "\n", ": ", "- ", "\"", "'", "\u{0}", "[", "{", "|\n", "!!int ",
            "\r", "---\n", "é", "\u{2028}",
        ]
        .map { Array($0.utf8) }
        for round in 0..<1000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: index)
                case 3: bytes.removeSubrange(index..<min(bytes.count, index + 20))
                default:
                    let slice = Array(bytes[index..<min(bytes.count, index + 30)])
                    bytes.insert(contentsOf: slice, at: Int.random(in: 0...bytes.count, using: &generator))
                }
            }
            let input = bytes
            let loaded = ManifestLoader.load(
                ManifestOptions(
                    paths: ["-"], environment: testEnvironment, standardInput: { input }, kinds: TestKinds.all,
                    secretDigest: { "hmac-sha256:\($0.count)" }))
            let consistent = (loaded.cluster == nil) == loaded.diagnostics.hasErrors
            #expect(consistent, "seed \(seed), round \(round)")
            let text = DiagnosticRenderer.text(loaded.diagnostics, sources: loaded.sources)
            #expect(text.isEmpty == loaded.diagnostics.isEmpty)
            for diagnostic in loaded.diagnostics {
                let span = diagnostic.span
                #expect(
                    span == nil || span.map { $0.start <= $0.end && $0.start.line >= 1 && $0.start.column >= 1 } == true
                )
            }
        }
    }
}
