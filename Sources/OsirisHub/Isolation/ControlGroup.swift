import Foundation

/// The control group of one instance; in version 1 one for each controller. What touches files blocks.
struct ControlGroup: Sendable, Equatable {
    var name: String
    var places: [ControlGroups.Controller: ControlGroups.Place]
    var limits: FunctionSpec.Limits
    /// Processes in it that are not the function's, such as bubblewrap's.
    var entourage: Int
    /// True for a twentieth of the processors that another group has, where both want them.
    var givesWay = false

    /// Where the groups are.
    var folders: [String] { Set(places.values.map { $0.folder + "/" + name }).sorted() }

    /// Makes it, with its limits and nobody in it.
    /// - Throws: `StartFailure`.
    func make() throws {
        for folder in folders { try CgroupFile.makeFolder(folder) }
        for (controller, place) in places {
            let folder = place.folder + "/" + name
            for setting in settings(controller, unified: place.isUnified) {
                let path = folder + "/" + setting.file
                if setting.optional, !FileManager.default.fileExists(atPath: path) { continue }
                try CgroupFile.write(setting.value, to: path)
            }
        }
    }

    /// Sets what `givesWay` says, in one that is made.
    /// - Throws: `StartFailure`.
    func share() throws {
        guard let place = places[.cpu] else { return }
        let setting = share(unified: place.isUnified)
        try CgroupFile.write(setting.value, to: "\(place.folder)/\(name)/\(setting.file)")
    }

    /// What the kernel gives to a group at first is 100 in version 2, and 1024 in version 1.
    private func share(unified: Bool) -> Setting {
        unified
            ? Setting(file: "cpu.weight", value: givesWay ? "5" : "100")
            : Setting(file: "cpu.shares", value: givesWay ? "51" : "1024")
    }

    /// Puts the shell into the group, and then has it become the program.
    func joining(_ words: [String]) -> [String] {
        // 0 is whoever writes it.
        let script = #"until [ "$1" = -- ]; do echo 0 >"$1" || exit 126; shift; done; shift; exec "$@""#
        return ["/bin/sh", "-c", script, "sh"] + folders.map { $0 + "/cgroup.procs" } + ["--"] + words
    }

    /// What an error says when there was no process or thread to be had: EAGAIN of fork(2) in the words of C, of
    /// node, and what Python makes of a thread.
    static let signsOfRefusal = ["Resource temporarily unavailable", "EAGAIN", "can't start new thread"]

    /// How often the function wanted one more process or thread than it may have.
    func refusedProcesses() -> Int {
        guard let place = places[.pids] else { return 0 }
        return CgroupFile.number("max", in: "\(place.folder)/\(name)/pids.events") ?? 0
    }

    /// Ends whatever is left in it, and removes it.
    /// - Returns: what it did not keep to, in a few words; nil if nothing that ended it.
    func end() -> (limit: String, message: String)? {
        var breach: (String, String)?
        if let place = places[.memory] {
            let file = place.isUnified ? "memory.events" : "memory.oom_control"
            if CgroupFile.number("oom_kill", in: place.folder + "/" + name + "/" + file) ?? 0 > 0 {
                breach = ("memory", "its processes used more than \(memoryBytes) bytes together")
            }
        }
        for folder in folders { CgroupFile.removeFolder(folder) }
        return breach
    }

    private var memoryBytes: Int { limits.memoryBytes ?? FunctionSpec.Limits.usualMemoryBytes }

    private struct Setting {
        var file: String
        var value: String
        /// Not every kernel has it.
        var optional = false
    }

    private func settings(_ controller: ControlGroups.Controller, unified: Bool) -> [Setting] {
        switch controller {
        case .cpu:
            let share = givesWay ? [share(unified: unified)] : []
            // In a period of 100 ms.
            guard let quota = limits.cpuThousandths.map({ $0 * 100 }) else { return share }
            if unified { return share + [Setting(file: "cpu.max", value: "\(quota) 100000")] }
            return share + [
                Setting(file: "cpu.cfs_period_us", value: "100000"),
                Setting(file: "cpu.cfs_quota_us", value: "\(quota)"),
            ]
        case .memory:
            let bytes = "\(memoryBytes)"
            if unified {
                return [
                    Setting(file: "memory.max", value: bytes),
                    Setting(file: "memory.swap.max", value: "0", optional: true),
                    Setting(file: "memory.oom.group", value: "1", optional: true),
                ]
            }
            return [
                Setting(file: "memory.limit_in_bytes", value: bytes),
                Setting(file: "memory.memsw.limit_in_bytes", value: bytes, optional: true),
            ]
        case .pids: return [Setting(file: "pids.max", value: "\(limits.mostProcesses + entourage)")]
        }
    }
}

/// Files and folders of control groups. They block.
enum CgroupFile {
    /// - Throws: `StartFailure` with the file and what the kernel says.
    static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StartFailure("\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Foundation.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw StartFailure("\(path) does not take \(text): \(String(cString: strerror(errno)))")
        }
    }

    /// - Throws: `StartFailure`; that it is there already is fine.
    static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw StartFailure("\(path): \(String(cString: strerror(errno)))")
        }
    }

    /// The number behind a word at the start of a line.
    static func number(_ word: String, in path: String) -> Int? {
        let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        return lines.first { $0.count == 2 && $0[0] == word }.flatMap { Int($0[1]) }
    }

    static func processes(in folder: String) -> [pid_t] {
        let text = String(
            decoding: FileManager.default.contents(atPath: folder + "/cgroup.procs") ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").compactMap { pid_t($0) }.filter { $0 > 1 }
    }

    /// Removes a group after its processes; gives up after a second.
    static func removeFolder(_ folder: String) {
        for _ in 0..<100 {
            if rmdir(folder) == 0 || errno == ENOENT || errno == ENOTDIR { return }
            for process in processes(in: folder) { kill(process, SIGKILL) }
            usleep(10_000)
        }
    }
}
