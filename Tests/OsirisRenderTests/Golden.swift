import Foundation
import Testing

/// Compares text with files under Cases.
enum Golden {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Cases")

    /// With OSIRIS_RECORD=1 the file is written, and the run still fails: a person looks at what was recorded.
    static func expect(_ actual: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let file = folder.appendingPathComponent(name)
        if ProcessInfo.processInfo.environment["OSIRIS_RECORD"] == "1" {
            do {
                try Data(actual.utf8).write(to: file)
                Issue.record(
                    "recorded \(name): look at it, then run without OSIRIS_RECORD", sourceLocation: sourceLocation)
            } catch {
                Issue.record(error, sourceLocation: sourceLocation)
            }
            return
        }
        guard let expected = try? String(contentsOf: file, encoding: .utf8) else {
            Issue.record("no file \(name): record it with OSIRIS_RECORD=1", sourceLocation: sourceLocation)
            return
        }
        if actual != expected {
            Issue.record(
                "\(name) differs.\n--- expected\n\(expected)\n--- actual\n\(actual)", sourceLocation: sourceLocation)
        }
    }
}
