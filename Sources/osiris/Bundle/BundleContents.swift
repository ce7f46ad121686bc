import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import ProviderSSH

/// The files that an apply of a manifest reads, all below the manifest's folder: what goes into a bundle.
struct BundleContents {
    /// Relative to the folder, sorted.
    private(set) var paths: [String] = []
    private(set) var manifests: [String] = []
    private(set) var faults: [Diagnostic] = []
    private let folder: String

    /// - Parameter manifests: the manifest's files, absolute or from the current folder.
    init(_ cluster: Cluster, manifests files: [String]) {
        folder = cluster.folder
        for file in files {
            let path = URL(fileURLWithPath: file).standardizedFileURL.path
            if let path = add(path, "the manifest file", nil) { manifests.append(path) }
        }
        addImage(cluster)
        for function in cluster.functions { add(function) }
        for target in cluster.targets where target.provider == "ssh" { add(target, of: cluster) }
        paths = Set(paths).sorted()
    }

    private mutating func addImage(_ cluster: Cluster) {
        if let archive = cluster.hub.archive {
            add(written: archive, "spec.hub.archive", cluster.hub.spans["archive"])
        } else if cluster.targets.contains(where: { $0.provider == "ssh" }) {
            faults.append(
                Diagnostic(
                    .bundle, "a bundle holds the hub's image as an archive, and the manifest names a registry's",
                    at: cluster.hub.spans["image"],
                    help: "`podman save` writes one: set spec.hub.archive"))
        }
    }

    private mutating func add(_ function: FunctionSpec) {
        let name = "\(function.namespace)/\(function.name)"
        if function.runtime == .container {
            faults.append(
                Diagnostic(
                    .bundle, "function \(name) runs an image that its hub would pull", at: function.spans.whole,
                    help: "give it a source, or leave it out of the bundle's manifest"))
        }
        guard let source = function.sourceFolder, let tree = try? SourceTree(folder: source) else { return }
        let files = Set(tree.files.map(\.path))
        func has(_ name: String) -> Bool { files.contains(name) }
        let fetches =
            switch function.runtime {
            case .python3: has("requirements.txt") && !files.contains { $0.hasPrefix("wheels/") }
            case .node:
                has("package.json") && has("package-lock.json") && !files.contains { $0.hasPrefix("node_modules/") }
            case .command, .container: false
            }
        if fetches {
            faults.append(
                Diagnostic(
                    .bundle, "function \(name) needs packages that its hub would fetch",
                    at: function.spans["source"],
                    help: function.runtime == .node
                        ? "put node_modules into its source" : "put them into the folder `wheels` of its source"))
        }
        for file in tree.files { add("\(source)/\(file.path)", "a file of function \(name)", function.spans["source"]) }
    }

    private mutating func add(_ target: Target, of cluster: Cluster) {
        // A file of the user's own stays where it is.
        if let keys = target.settings["hostKeys"]?.stringValue, !keys.hasPrefix("/"), !keys.hasPrefix("~/") {
            add(written: keys, "hostKeys of target \(target.name)", target.spans["hostKeys"])
        }
        if let key = target.settings["engine"]?.mapValue?["repository"]?.mapValue?["key"]?.stringValue {
            add(written: key, "engine.repository.key of target \(target.name)", target.spans["engine"])
        }
        guard let packages = EnginePackages(target, in: cluster) else { return }
        let span = target.spans["engine"]
        if packages.names.isEmpty {
            faults.append(
                Diagnostic(
                    .bundle, "target \(target.name): there are no packages in \(packages.folder)", at: span,
                    help: "put the engine's .deb or .rpm files there"))
        }
        let path = target.settings["engine"]?.mapValue?["packages"]?.stringValue ?? ""
        for name in packages.names { add(written: "\(path)/\(name)", "engine.packages of target \(target.name)", span) }
    }

    /// As the manifest has it: an absolute path leads nowhere on another machine.
    private mutating func add(written path: String, _ what: String, _ span: SourceSpan?) {
        let file = path.hasPrefix("/") ? path : URL(fileURLWithPath: "\(folder)/\(path)").standardizedFileURL.path
        if path.hasPrefix("/"), file.hasPrefix(folder + "/") {
            faults.append(
                Diagnostic(
                    .bundle, "\(what) is an absolute path", at: span, help: "write it from the manifest's folder"))
        } else {
            add(file, what, span)
        }
    }

    /// - Returns: the path in the bundle; nil after a fault.
    @discardableResult
    private mutating func add(_ file: String, _ what: String, _ span: SourceSpan?) -> String? {
        let path = String(file.dropFirst(folder.count + 1))
        guard file.hasPrefix(folder + "/"), BundleIndex.isInside(path) else {
            faults.append(
                Diagnostic(
                    .bundle, "\(what) is outside of the manifest's folder: \(file)", at: span,
                    help: "a bundle holds one folder: put the file, or a link to it, below \(folder)"))
            return nil
        }
        guard FileManager.default.isReadableFile(atPath: file) else {
            faults.append(Diagnostic(.bundle, "\(what) cannot be read: \(file)", at: span))
            return nil
        }
        paths.append(path)
        return path
    }
}
