import Foundation
import Testing

/// Dependencies point one way: the import lines are held against the table in docs/architecture.md.
struct ModuleMapTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Module → modules it may import, and the order of the rows.
    private static func map() throws -> [(name: String, allowed: Set<String>)] {
        let text = try String(contentsOf: root.appendingPathComponent("docs/architecture.md"), encoding: .utf8)
        let rows = text.components(separatedBy: "| may import |")[1].split(separator: "\n").dropFirst(1)
        return rows.flatMap { row -> [(String, Set<String>)] in
            let cells = row.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 5 else { return [] }
            let allowed = Set(cells[3].split(separator: " ").map(String.init))
            return cells[1].components(separatedBy: ", ").map { ($0, allowed) }
        }
    }

    private static func imports(in folder: URL) throws -> [(file: String, module: String)] {
        guard let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) else { return [] }
        return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.flatMap { file in
            try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard let at = words.firstIndex(of: "import"), at <= 1, words.count > at + 1 else { return nil }
                return (file.lastPathComponent, String(words[at + 1].prefix { $0 != "." }))
            }
        }
    }

    @Test func everyImportIsAllowedByTheMap() throws {
        let map = try Self.map()
        #expect(map.count > 12)
        let own = Set(map.map(\.name))
        var seen = 0
        for (name, allowed) in map where !allowed.contains("everything") {
            let folder = Self.root.appendingPathComponent(name == "providers" ? "providers" : "Sources/\(name)")
            for (file, module) in try Self.imports(in: folder) {
                seen += 1
                let ours = own.contains(module) || module.hasPrefix("Provider")
                #expect(!ours || allowed.contains(module), "\(name)/\(file) imports \(module)")
            }
        }
        #expect(seen > 100)
    }

    @Test func rowsImportOnlyRowsAbove() throws {
        var above = Set(["GRDB", "Hummingbird", "Logging"])
        for (name, allowed) in try Self.map() where !allowed.contains("everything") {
            #expect(allowed.isSubset(of: above), "\(name) may import \(allowed.subtracting(above)) from below")
            above.insert(name)
        }
    }

    @Test func theMapNamesEveryModule() throws {
        let named = Set(try Self.map().map(\.name))
        for folder in try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent("Sources").path)
        {
            #expect(named.contains(folder), "docs/architecture.md has no row for \(folder)")
        }
    }
}
