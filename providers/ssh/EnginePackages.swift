import Foundation
import OsirisManifest
import OsirisModel

/// A folder with an engine's packages, for hosts that reach no package source: `.deb` files, `.rpm` files, or both.
public struct EnginePackages: Sendable, Hashable {
    /// Absolute.
    public let folder: String

    /// Nil if the target names no folder.
    public init?(_ target: Target, in cluster: Cluster) {
        guard let path = target.settings["engine"]?.mapValue?["packages"]?.stringValue else { return nil }
        folder = path.hasPrefix("/") ? path : "\(cluster.folder)/\(path)"
    }

    /// What package files end with, for the package program of a host.
    static func ending(for program: String?) -> String { program == "apt-get" ? ".deb" : ".rpm" }

    /// Names of the files for hosts with this package program, sorted; empty if there are none or the folder is not there.
    public func names(for program: String?) -> [String] { names { $0.hasSuffix(Self.ending(for: program)) } }

    /// All package files, sorted.
    public var names: [String] { names { $0.hasSuffix(".deb") || $0.hasSuffix(".rpm") } }

    private func names(where isMeant: (String) -> Bool) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter(isMeant).sorted()
    }
}
