import Foundation
import OsirisModel

@testable import OsirisHub

/// The processes of a hub's instances, as the host sees them. In an instance they may have other ids.
enum Members {
    private struct Ledger: Decodable {
        struct Entry: Decodable { var pid: Int32 }
        var instances: [Entry]
    }

    /// Every process in a session of an instance that the hub on this data folder runs.
    static func of(_ folder: String) -> [ProcessIdentity] {
        let bytes = FileManager.default.contents(atPath: folder + "/instances") ?? Data()
        let leaders = Set(((try? JSONDecoder().decode(Ledger.self, from: bytes))?.instances ?? []).map(\.pid))
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { pid in
            guard let stat = ProcessStat(pid: Int(pid)), leaders.contains(stat.session), stat.state != "Z" else {
                return nil
            }
            return ProcessIdentity(pid: pid, startTime: stat.startTime)
        }
    }

    /// How many of the members run a program with this name.
    static func count(_ program: String, of folder: String) -> Int {
        of(folder).count { member in
            let bytes = FileManager.default.contents(atPath: "/proc/\(member.pid)/cmdline") ?? Data()
            let path = bytes.split(separator: 0).first.map { String(decoding: $0, as: UTF8.self) } ?? ""
            return path.split(separator: "/").last.map(String.init) == program
        }
    }

    /// How many processes of this machine run exactly these words.
    static func running(_ words: String...) -> Int {
        let line = Data(words.map { $0 + "\0" }.joined().utf8)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.count { Int($0) != nil && FileManager.default.contents(atPath: "/proc/\($0)/cmdline") == line }
    }

    /// True if one of the members leads its session.
    static func haveSessions(_ folder: String) -> Bool {
        of(folder).contains { ProcessStat(pid: Int($0.pid))?.session == $0.pid }
    }
}
