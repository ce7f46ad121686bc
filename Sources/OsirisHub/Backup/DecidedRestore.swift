import Foundation

/// A restore from the moment on at which it is decided: one renamed folder, `restore.ready`, says so.
///
/// Its steps can be done again and again. Whenever the hub is killed, the next one has the old content whole, when the
/// folder is not there, or does the steps and has the new one. All calls block but `finish`; use `BlockingWork`.
struct DecidedRestore: Sendable {
    let data: DataFolder

    private var folder: DataFolder { DataFolder(path: data.path + "/restore.ready") }
    private var auditFile: String { folder.path + "/audit.json" }

    /// True when a restore is to be finished.
    var isThere: Bool { FileManager.default.fileExists(atPath: folder.path) }

    /// Decides that a draft takes the place of what there is.
    func decide(_ draft: Backups.Draft, audit: AuditEntry) throws {
        try data.write(try HubJSON.encode(audit), to: draft.folder.path + "/audit.json", mode: 0o600)
        // The files are durable by now; so must be the names of the folders above them.
        for root in [draft.folder.functions, draft.folder.secrets] {
            DataFolder.flush(folder: root)
            for namespace in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [] {
                DataFolder.flush(folder: "\(root)/\(namespace)")
            }
        }
        DataFolder.flush(folder: draft.folder.path)
        guard rename(draft.folder.path, folder.path) == 0 else {
            throw StartFailure("\(folder.path) cannot be made: \(String(cString: strerror(errno)))")
        }
        DataFolder.flush(folder: data.path)
    }

    /// Takes the decision back, as long as nothing was replaced.
    func takeBack() throws {
        if isThere { try end() }
    }

    /// In one step: a folder that is half removed would be a restore of half a backup to the next hub.
    private func end() throws {
        let away = "\(data.scratch)/\(UUID().uuidString)"
        guard rename(folder.path, away) == 0 else { throw StartFailure("\(folder.path) cannot be moved away.") }
        DataFolder.flush(folder: data.path)
        data.remove(away)
    }

    /// Replaces the catalog's content in one transaction.
    func replaceCatalog(_ catalog: any Catalog) async throws {
        let (file, path) = (auditFile, folder.catalog)
        let audit = try await BlockingWork.run {
            try HubJSON.decode(AuditEntry.self, Array(try Data(contentsOf: URL(fileURLWithPath: file))))
        }
        try await catalog.replace(from: path, audit: audit)
    }

    /// Replaces files and secrets, and ends the restore.
    func replaceFiles() throws {
        for (old, new) in [(data.functions, folder.functions), (data.secrets, folder.secrets)] {
            // Absent when a hub that was killed got that far.
            guard FileManager.default.fileExists(atPath: new) else { continue }
            data.remove(old)
            guard rename(new, old) == 0 else {
                throw StartFailure("\(old) cannot be replaced: \(String(cString: strerror(errno)))")
            }
        }
        DataFolder.flush(folder: data.path)
        try end()
    }
}
