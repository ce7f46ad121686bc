import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisTransport

/// The file of a bundle: a tar archive with `bundle.json`, `bundle.sig` and the folder `files`, packed by GNU tar. All calls
/// block.
struct BundleArchive {
    /// Who must have signed a bundle.
    enum Trust: Sendable {
        case key(VerifyingKey)
        /// Nobody: only sums are checked.
        case nobody
    }

    let path: String

    static func fault(_ message: String, help: String? = nil) -> Diagnostic { Diagnostic(.bundle, message, help: help) }

    /// What is signed: no signature for something else is one for a bundle.
    private static func message(_ index: [UInt8]) -> [UInt8] { Array("osiris bundle 1\n".utf8) + index }

    // MARK: Making

    /// Writes the archive beside its place and, once whole, into it. Equal files make an equal archive.
    /// - Parameters:
    ///   - folder: where the index's files are.
    ///   - key: signs it; nil for no signature.
    /// - Throws: a `Diagnostic`.
    func write(_ index: BundleIndex, from folder: String, key: SigningKey?) throws {
        let scratch = try Self.scratch(in: FileManager.default.temporaryDirectory.path)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let draft = "\(path).new-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: draft) }
        var members = [BundleIndex.name]
        do {
            try Data(index.bytes).write(to: URL(fileURLWithPath: "\(scratch)/\(BundleIndex.name)"))
            if let key {
                let signature = Digest.hex(try key.signature(of: Self.message(index.bytes))) + "\n"
                try Data(signature.utf8).write(to: URL(fileURLWithPath: "\(scratch)/\(BundleIndex.signatureName)"))
                members.append(BundleIndex.signatureName)
            }
            for file in index.files.keys {
                // Links: tar reads what they lead to, and nothing is copied.
                let link = URL(fileURLWithPath: "\(scratch)/files/\(file)")
                try FileManager.default.createDirectory(
                    at: link.deletingLastPathComponent(), withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    atPath: link.path,
                    withDestinationPath: URL(fileURLWithPath: "\(folder)/\(file)").resolvingSymlinksInPath().path)
            }
        } catch {
            throw Self.fault("the bundle cannot be put together: \(error.localizedDescription)")
        }
        try Self.tar(
            [
                "--create", "--dereference", "--format=gnu", "--sort=name", "--mtime=@0", "--owner=0", "--group=0",
                "--numeric-owner", "--mode=u=rwX,go=rX", "--file", draft, "--directory", scratch,
            ] + members + ["files"], "\(path) cannot be written")
        guard rename(draft, path) == 0 else {
            throw Self.fault("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    // MARK: Reading

    /// The index, once its signature is checked. Nothing else of the archive is looked at.
    /// - Throws: a `Diagnostic`.
    func index(_ trust: Trust) throws -> BundleIndex {
        let scratch = try Self.scratch(in: FileManager.default.temporaryDirectory.path)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        guard FileManager.default.isReadableFile(atPath: path) else { throw Self.fault("\(path) cannot be read") }
        try extract([BundleIndex.name], to: scratch)
        let bytes = FileManager.default.contents(atPath: "\(scratch)/\(BundleIndex.name)").map(Array.init) ?? []
        if case .key(let key) = trust {
            do { try extract([BundleIndex.signatureName], to: scratch) } catch {
                throw Self.fault(
                    "\(path) is not signed",
                    help: "`osiris bundle create --key FILE` signs; --unsigned takes it as it is")
            }
            let text = FileManager.default.contents(atPath: "\(scratch)/\(BundleIndex.signatureName)") ?? Data()
            let signature = Self.bytes(hex: String(decoding: text, as: UTF8.self))
            guard key.verifies(signature, of: Self.message(bytes)) else {
                throw Self.fault(
                    "\(path) is not signed by the key that is trusted (\(key.fingerprint))",
                    help: "somebody changed it, or it was signed with another key: nothing of it was used")
            }
        }
        guard let index = BundleIndex(bytes) else {
            throw Self.fault(
                "\(path) is no bundle that this release reads", help: "osiris \(OsirisVersion.current) makes format 1")
        }
        return index
    }

    /// Unpacks all files into `FOLDER/files` and compares each with the index.
    /// - Parameter folder: empty.
    /// - Throws: a `Diagnostic` that names every file that is not as it should be.
    func unpack(_ index: BundleIndex, to folder: String) throws {
        try extract(["files"], to: folder)
        let root = folder + "/files"
        var wrong: [String] = []
        var found = Set<String>()
        for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(root)/\(name)")
            let kind = attributes?[.type] as? FileAttributeType
            if kind == .typeDirectory { continue }
            found.insert(name)
            guard kind == .typeRegular, let file = index.files[name] else {
                wrong.append("\(name) is not in its list")
                continue
            }
            let isExecutable = FileManager.default.isExecutableFile(atPath: "\(root)/\(name)")
            if (try? Digest.sha256(file: "\(root)/\(name)")) != file.digest || isExecutable != file.isExecutable {
                wrong.append("\(name) is not what it was")
            }
        }
        wrong += index.files.keys.filter { !found.contains($0) }.map { "\($0) is missing" }
        guard wrong.isEmpty else {
            let shown = wrong.sorted().prefix(5).joined(separator: "; ")
            throw Self.fault(
                "\(path) is damaged: \(shown)\(wrong.count > 5 ? "; and \(wrong.count - 5) more" : "")",
                help: "copy it again; nothing of it was used")
        }
    }

    private func extract(_ members: [String], to folder: String) throws {
        try Self.tar(
            ["--extract", "--no-same-owner", "--no-same-permissions", "--file", path, "--directory", folder] + members,
            "\(path) cannot be unpacked")
    }

    // MARK: The program

    /// A name with a colon is a file's too, and no other machine's.
    private static func tar(_ words: [String], _ what: String) throws {
        let scratch = try scratch(in: FileManager.default.temporaryDirectory.path)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let errors = "\(scratch)/errors"
        let status: Int32
        do {
            let environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C"]) { $1 }
            let launch = Launch(
                "tar", ["--force-local"] + words, environment: environment,
                folder: FileManager.default.currentDirectoryPath, output: .nothing, errors: .file(errors))
            status = Launch.wait(for: try launch.start())
        } catch {
            throw fault("\(what): tar cannot be started: \(error.localizedDescription)", help: "install GNU tar")
        }
        guard status == 0 else {
            let said = String(decoding: FileManager.default.contents(atPath: errors) ?? Data(), as: UTF8.self)
            let line =
                said.split(separator: "\n").first.map(String.init) ?? "tar ended with status \(status >> 8 & 0xff)"
            throw fault("\(what): \(DisplayText.sanitized(line))", help: "GNU tar must be installed")
        }
    }

    /// A new folder that only this user can look into.
    static func scratch(in folder: String) throws -> String {
        let path = "\(folder)/osiris-bundle-\(UUID().uuidString.lowercased())"
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw fault("\(path) cannot be made: \(error.localizedDescription)")
        }
        return path
    }

    private static func bytes(hex text: String) -> [UInt8] {
        let digits = text.trimmingCharacters(in: .whitespacesAndNewlines).compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - digits.count % 2, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}
