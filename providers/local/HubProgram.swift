import Foundation
import OsirisProviderKit

/// Where the `osiris-hub` program is.
public struct HubProgram: Sendable {
    /// As injected; nil to look for it.
    public var path: String?

    public init(path: String? = nil) { self.path = path }

    /// The absolute path of a program that can be run.
    /// - Throws: `ProviderError` if there is none.
    public func locate() throws -> String {
        let candidate = path ?? ProcessInfo.processInfo.environment["OSIRIS_HUB"] ?? beside()
        let absolute = URL(fileURLWithPath: candidate).standardizedFileURL.path
        guard FileManager.default.isExecutableFile(atPath: absolute) else {
            throw ProviderError(
                .rejected, "the hub program \(absolute) is missing or cannot be run",
                help: "build it with `make build`, or set OSIRIS_HUB to its path")
        }
        return absolute
    }

    private func beside() -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (own as NSString).deletingLastPathComponent + "/osiris-hub"
    }
}
