import Foundation
import OsirisManifest

/// What the history notes of where a run came from.
enum Repository {
    /// The commit checked out in the manifest's repository, or nil outside one. Reads `.git` itself: no program is run.
    static func commit(of cluster: Cluster) -> String? {
        var folder = URL(fileURLWithPath: cluster.folder)
        while folder.path != "/" {
            let git = folder.appendingPathComponent(".git")
            if let head = try? String(contentsOf: git.appendingPathComponent("HEAD"), encoding: .utf8) {
                let text = head.trimmingCharacters(in: .whitespacesAndNewlines)
                guard text.hasPrefix("ref: ") else { return text }
                let name = String(text.dropFirst(5))
                let loose = try? String(contentsOf: git.appendingPathComponent(name), encoding: .utf8)
                if let loose { return loose.trimmingCharacters(in: .whitespacesAndNewlines) }
                let packed = try? String(contentsOf: git.appendingPathComponent("packed-refs"), encoding: .utf8)
                return packed?.split(separator: "\n").first { $0.hasSuffix(" " + name) }.map { String($0.prefix(40)) }
            }
            folder.deleteLastPathComponent()
        }
        return nil
    }

    /// The command line; the values of variables are left out, because any of them may be secret.
    static func argumentsWithoutValues() -> [String] {
        var hideNext = false
        return CommandLine.arguments.dropFirst().map { argument in
            defer { hideNext = argument == "--var" }
            if hideNext { return argument.prefix { $0 != "=" } + "=…" }
            return argument.hasPrefix("--var=") ? "--var=…" : argument
        }
    }
}
