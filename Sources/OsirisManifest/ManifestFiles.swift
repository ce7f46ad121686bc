import Foundation
import OsirisDiagnostics

/// The files behind the paths of the command line.
struct ManifestFiles {
    var sources: [SourceFile] = []
    /// Name and repaired text of files that are not UTF-8 or hold forbidden characters.
    var undecoded: [String: String] = [:]

    static func read(_ options: ManifestOptions) -> (files: ManifestFiles, diagnostics: [Diagnostic]) {
        var files = ManifestFiles()
        var diagnostics: [Diagnostic] = []
        for path in options.paths {
            if path == "-" {
                do {
                    try files.add("<stdin>", options.standardInput())
                } catch let fault as Diagnostic {
                    diagnostics.append(fault)
                } catch {
                    diagnostics.append(
                        Diagnostic(
                            .error, .fileUnreadable, "cannot read the standard input: \(error.localizedDescription)"))
                }
                continue
            }
            for name in names(path, &diagnostics) {
                do {
                    try files.add(name, FileProbe.bytes(of: name))
                } catch let fault as Diagnostic {
                    diagnostics.append(fault)
                } catch let reason as FileProbe.Reason {
                    diagnostics.append(
                        Diagnostic(
                            .error, .fileUnreadable, "cannot read `\(name)`: \(reason.text)",
                            help: FileProbe(folder: ".").nearest(to: name, .file).map { "did you mean `\($0)`?" }
                                ?? "name a manifest, or a folder of them, with `-f`"))
                } catch {
                    diagnostics.append(Diagnostic(.error, .fileUnreadable, "cannot read `\(name)`"))
                }
            }
        }
        return (files, diagnostics)
    }

    /// The manifests at one path that another file names.
    static func read(_ path: String, from place: SourceSpan) -> (files: ManifestFiles, diagnostics: [Diagnostic]) {
        var (files, diagnostics) = read(
            ManifestOptions(paths: [path], kinds: [], secretDigest: { $0 }))
        for index in diagnostics.indices where diagnostics[index].span == nil { diagnostics[index].span = place }
        return (files, diagnostics)
    }

    /// The absolute folder in which relative paths of the manifest start.
    static func folder(of path: String?) -> String {
        guard let path, path != "-" else { return FileManager.default.currentDirectoryPath }
        let url = URL(fileURLWithPath: path).standardizedFileURL
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        return exists && isFolder.boolValue ? url.path : url.deletingLastPathComponent().path
    }

    private mutating func add(_ name: String, _ bytes: [UInt8]) throws {
        do {
            sources.append(try SourceFile(name: name, bytes: bytes))
        } catch {
            undecoded[name] = String(decoding: bytes, as: UTF8.self)
            throw error
        }
    }

    /// The path itself, or the manifests in the folder it names.
    private static func names(_ path: String, _ diagnostics: inout [Diagnostic]) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            return [path]
        }
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.filter { !$0.hasPrefix(".") }.sorted()
            if names.isEmpty {
                diagnostics.append(
                    Diagnostic(
                        .error, .emptyManifest, "the folder `\(path)` holds no manifest",
                        help: "manifests are files named `*.yaml` or `*.yml`, directly in the folder"))
            }
            // The current folder goes without saying: places read `cluster.yaml:3:1`.
            if path == "." || path == "./" { return names }
            return names.map { path.hasSuffix("/") ? path + $0 : path + "/" + $0 }
        } catch {
            diagnostics.append(
                Diagnostic(
                    .error, .fileUnreadable, "cannot read the folder `\(path)`: \(error.localizedDescription)"))
            return []
        }
    }
}
