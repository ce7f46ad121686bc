import Foundation
import OsirisModel

/// What a function's source says it needs besides itself.
struct DependencySet: Sendable, Equatable {
    /// Who installs it.
    enum Installer: String, Sendable {
        /// `requirements.txt`, with the wheels in `wheels` if there is such a folder.
        case pip
        /// `package.json` and `package-lock.json`.
        case npm
    }

    var installer: Installer
    /// True if everything is in the source, and nothing is fetched.
    var isOffline: Bool
    /// Digest of all that decides what is installed, but the runtime's own version.
    var digest: String

    /// - Parameter folder: a version's files.
    /// - Returns: nil if it needs nothing, or brings it along. Blocks; use `BlockingWork`.
    init?(runtime: FunctionSpec.Runtime, folder: String) {
        func bytes(_ name: String) -> [UInt8]? {
            FileManager.default.contents(atPath: "\(folder)/\(name)").map { Array($0) }
        }
        func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(name)") }
        switch runtime {
        case .python3:
            guard let requirements = bytes("requirements.txt") else { return nil }
            let wheels = (try? SourceTree(folder: "\(folder)/wheels"))?.digest
            (installer, isOffline) = (.pip, wheels != nil)
            digest = Digest.sha256(requirements + Array((wheels ?? "").utf8))
        case .node:
            guard !isThere("node_modules"), let package = bytes("package.json"), let lock = bytes("package-lock.json")
            else { return nil }
            // A package in the source itself is part of what is installed.
            let isLocal = String(decoding: lock, as: UTF8.self).contains("\"file:")
            let source = isLocal ? (try? SourceTree(folder: folder))?.digest : nil
            (installer, isOffline) = (.npm, false)
            digest = Digest.sha256(package + [0] + lock + Array((source ?? "").utf8))
        case .command, .container:
            return nil
        }
    }

    /// A program that tells in one line what else decides: the runtime's version and the platform.
    var question: [String] {
        switch installer {
        case .pip:
            ["python3", "-c", "import sys, sysconfig; print(sys.version.split()[0], sysconfig.get_platform())"]
        case .npm: ["node", "-p", "[process.version, process.platform, process.arch].join(' ')"]
        }
    }

    /// The program that installs.
    /// - Parameters:
    ///   - folder: where it goes, as the program sees it.
    ///   - index: the package index or registry; nil for the installer's own.
    func words(into folder: String, index: String?) -> [String] {
        switch installer {
        case .pip:
            var words = [
                "python3", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-cache-dir",
            ]
            words += ["--root-user-action", "ignore", "--no-warn-script-location", "--target", folder]
            if isOffline { words += ["--no-index", "--find-links", "wheels"] }
            if let index, !isOffline { words += ["--index-url", index] }
            return words + ["-r", "requirements.txt"]
        case .npm:
            let registry = index.map { ["--registry", $0] } ?? []
            // npm works in the folder of the package; what is not needed afterwards is removed again.
            let script = #"""
                to=$1; shift
                cp -R ./. "$to"/ && cd "$to" && "$@" && find . -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
                """#
            return ["/bin/sh", "-c", script, "sh", folder, "npm", "ci", "--omit=dev", "--no-audit", "--no-fund"]
                + ["--cache", "/tmp/npm"] + registry
        }
    }

    /// How an instance finds what was installed, and what its source brings along.
    /// - Parameters:
    ///   - source: the function's files, as the instance sees them.
    ///   - dependencies: what was installed, as the instance sees it; nil for nothing.
    ///   - own: the function's own variables.
    static func variables(
        _ runtime: FunctionSpec.Runtime, source: String, dependencies: String?, own: [String: String]
    ) -> [String: String] {
        func joined(_ name: String, _ paths: [String?]) -> [String: String] {
            let paths = paths.compactMap(\.self)
            return paths.isEmpty ? [:] : [name: ([own[name]].compactMap(\.self) + paths).joined(separator: ":")]
        }
        switch runtime {
        case .python3: return joined("PYTHONPATH", ["\(source)/vendor", dependencies])
        case .node: return joined("NODE_PATH", [dependencies.map { "\($0)/node_modules" }])
        case .command, .container: return [:]
        }
    }
}
