import Foundation
import GRDB
import Testing

@testable import OsirisHub

/// Catalogs of earlier hubs, as `Catalogs` keeps them.
@Suite(.serialized) struct UpgradeTests {
    private static let catalogs = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Catalogs")

    /// A data folder with a catalog of an earlier hub in it.
    private func folder(_ format: String) throws -> String {
        let folder = try TestHub.makeFolder()
        let source = Self.catalogs.appendingPathComponent(format)
        for name in try FileManager.default.contentsOfDirectory(atPath: source.path) {
            try FileManager.default.copyItem(
                atPath: source.appendingPathComponent(name).path, toPath: folder + "/" + name)
        }
        return folder
    }

    @Test func aCatalogOfFormat2IsUpgradedAndServes() async throws {
        let folder = try folder("format2")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for round in 1...2 {
            try await TestHub.with(folder: folder) { hub in
                for name in ["keyed", "echo"] { try await hub.client.wait(for: name) }
                #expect(try await hub.client.call("keyed").text == #""two s3cret""#)
                #expect(try await hub.client.call("echo", "[1]").text == "[1]")
                // Its second version never worked: the first one goes on.
                #expect(try await hub.client.call("half").text == #""whole""#)
                #expect(try await hub.client.status("half").version == 2)
                let late = try await hub.client.send(
                    "PUT", "/system/fence", headers: ["Osiris-Lineage": "old-state", "Osiris-Fence": "6"])
                #expect(late.code == "fenced")
                let versions = try await hub.client.send("GET", "/system/function/keyed/versions?namespace=demo")
                let views = try JSONDecoder().decode([VersionView].self, from: versions.body)
                #expect(views.map(\.version) == [2] && views[0].author == "" && views[0].proven, "round \(round)")
            }
            // The old catalog lies beside, as it was.
            let queue = try DatabaseQueue(path: folder + "/catalog.db.format2")
            let versions = try await queue.read { database in
                try String.fetchAll(
                    database, sql: "SELECT name || ' ' || version FROM functions ORDER BY namespace, name, version")
            }
            #expect(versions == ["echo 1", "half 1", "half 2", "keyed 2"])
            let columns = try await queue.read { try $0.columns(in: "functions") }
            #expect(columns.count == 7)
            try queue.close()
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/catalog.db")[.posixPermissions]
            #expect(mode as? Int == 0o600)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("catalog.db.") }
        #expect(names == ["catalog.db.format2"])
    }

    /// A change that fails half way leaves the old catalog, which the next try takes.
    @Test func anUpgradeThatFailsChangesNothing() async throws {
        let folder = try folder("format2")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        struct Broken: Error {}
        var migrator = SQLiteCatalog.migrator
        migrator.registerMigration("99 broken") { database in
            try database.execute(sql: "DELETE FROM functions")
            throw Broken()
        }
        let path = folder + "/catalog.db"
        #expect(throws: Broken.self) { try CatalogUpgrade(path: path, migrator: migrator).run() }
        try await TestHub.with(folder: folder) { hub in
            let answer = try await hub.client.call("keyed")
            #expect(answer.text == #""two s3cret""#)
        }
    }

    @Test func aNewerCatalogIsRefusedAndUntouched() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            _ = try await hub.client.put(.command("echo", "exec cat\n"))
        }
        let path = folder + "/catalog.db"
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('77 of tomorrow')") }
        try queue.close()
        func files() throws -> [String: Data] {
            var files: [String: Data] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasPrefix("catalog.db") {
                // The index of the log is made for every reader.
                if !name.hasSuffix("-shm") { files[name] = FileManager.default.contents(atPath: folder + "/" + name) }
            }
            return files.filter { !$0.value.isEmpty }
        }
        let before = try files()
        let failure = await #expect(throws: StartFailure.self) { try await TestHub.with(folder: folder) { _ in } }
        #expect(failure?.description.contains("77 of tomorrow") == true)
        #expect(failure?.description.contains("newer osiris-hub") == true)
        let after = try files()
        #expect(after == before)
    }
}
