import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisTransport

struct BundleCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Pack what an apply of the manifest needs into one file.",
        discussion: """
            Manifest, function sources, the hub's image archive, engine packages and pinned host keys; no state, no private keys,
            no values of variables. Asks nobody.

            Example: osiris bundle create --out rack.bundle --key release.pem
            """)

    @Option(help: ArgumentHelp("The bundle.", valueName: "file"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "Sign with this private key: ed25519 as PEM, as `openssl genpkey -algorithm ed25519` makes it.",
            valueName: "file"))
    var key: String?

    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            if manifest.paths.contains("-") {
                throw Diagnostic(.usage, "a manifest on standard input is in no folder", help: "name it with -f")
            }
            let key = try signingKey()
            let (cluster, _) = try Workspace.expand(manifest, console)
            let contents = BundleContents(cluster, manifests: console.manifest.texts.keys.sorted())
            if !contents.faults.isEmpty { throw DiagnosticsError(contents.faults) }
            let archive = BundleArchive(path: URL(fileURLWithPath: out).standardizedFileURL.path)
            let index = try await console.reminding("packing") {
                try await onOwnThread {
                    let files = try contents.files(in: cluster.folder)
                    let index = BundleIndex(
                        version: OsirisVersion.current, cluster: cluster.name, manifests: contents.manifests,
                        files: files)
                    try archive.write(index, from: cluster.folder, key: key)
                    return index
                }
            }
            console.show(index, signedBy: key?.publicKey)
            if key == nil { console.note("It is not signed: who applies it must say --unsigned.") }
        }
    }

    private func signingKey() throws -> SigningKey? {
        guard let key else { return nil }
        do {
            return try SigningKey(pem: try String(contentsOfFile: key, encoding: .utf8))
        } catch {
            throw Diagnostic(
                .bundle, "\(key) holds no ed25519 private key without a passphrase",
                help: "openssl genpkey -algorithm ed25519 -out \(key)")
        }
    }
}

extension BundleContents {
    /// Digests of all files. Blocks.
    func files(in folder: String) throws -> [String: BundleIndex.File] {
        var files: [String: BundleIndex.File] = [:]
        for path in paths {
            let file = URL(fileURLWithPath: "\(folder)/\(path)").resolvingSymlinksInPath().path
            do {
                files[path] = BundleIndex.File(
                    digest: try Digest.sha256(file: file),
                    size: try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0,
                    isExecutable: FileManager.default.isExecutableFile(atPath: file))
            } catch {
                throw Diagnostic(.fileUnreadable, "\(file) cannot be read: \(error.localizedDescription)")
            }
        }
        return files
    }
}

extension Console {
    func show(_ index: BundleIndex, signedBy key: VerifyingKey?) {
        if json {
            line(
                Value.map([
                    "cluster": .string(index.cluster), "version": .string(index.version),
                    "files": .int(index.files.count), "bytes": .int(index.size),
                    "key": key.map { .string($0.fingerprint) } ?? .null,
                ]).prettyJSONText)
            return
        }
        line("Cluster \(index.cluster), osiris \(index.version): \(index.files.count) files, \(index.size >> 20) MiB.")
        if let key { line("Signed by the key \(key.fingerprint).") }
    }
}
