import Foundation
import OsirisModel

/// Where the hub may make control groups for its instances: a folder for each controller, or why there is none.
///
/// The hub stays where it was put. It makes groups below its own one only, and only where that one is its to divide:
/// - version 2: the root of the hierarchy as it sees it, or a group whose `user.delegate` or `trusted.delegate` is 1, as
///   systemd marks those of units with `Delegate=yes`;
/// - version 1, which nobody can delegate: the root as it sees it.
///
/// See cgroups(7), https://docs.kernel.org/admin-guide/cgroup-v2.html and https://systemd.io/CGROUP_DELEGATION.
/// What touches the files blocks; use `BlockingWork`.
struct ControlGroups: Sendable, Equatable {
    enum Controller: String, CaseIterable, Sendable { case cpu, memory, pids }

    struct Place: Sendable, Equatable {
        /// The group that holds those of this hub's instances.
        var folder: String
        /// True for version 2, where one group has all controllers.
        var isUnified: Bool
        /// The group the hub itself is in, or was before it made room.
        var above: String
    }

    var places: [Controller: Place] = [:]
    var missing: [Controller: String] = [:]

    /// What of the file system this needs to know.
    struct Reader: Sendable {
        var text: @Sendable (String) -> String?
        /// True for a group that somebody gave away.
        var isDelegated: @Sendable (String) -> Bool

        static let host = Reader(
            text: { FileManager.default.contents(atPath: $0).map { String(decoding: $0, as: UTF8.self) } },
            isDelegated: { folder in
                // In the C library, but not in the headers that Swift sees.
                guard let symbol = dlsym(nil, "getxattr") else { return false }
                let attribute = unsafeBitCast(symbol, to: GetAttribute.self)
                return ["user.delegate", "trusted.delegate"].contains { name in
                    var value: UInt8 = 0
                    return attribute(folder, name, &value, 1) == 1 && value == UInt8(ascii: "1")
                }
            })

        /// getxattr(2).
        private typealias GetAttribute =
            @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer, Int) -> Int
    }

    /// Finds the places. Makes nothing.
    /// - Parameter data: the hub's data folder without symbolic links; it names the groups.
    static func locate(for data: String, _ reader: Reader = .host) -> ControlGroups {
        let own = (reader.text("/proc/self/cgroup") ?? "").split(separator: "\n").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        }
        let mounts = CgroupMount.all(in: reader.text("/proc/self/mountinfo") ?? "")
        let name = "osiris-functions-" + Digest.sha256(data.utf8).suffix(12)
        var found = ControlGroups()
        for controller in Controller.allCases {
            let old = own.first {
                $0.count == 3 && $0[1].split(separator: ",").contains(Substring(controller.rawValue))
            }
            let line = old ?? own.first { $0.count == 3 && $0[0] == "0" }
            guard let path = line?[2],
                let mount = mounts.first(where: { $0.holds(old == nil ? nil : controller.rawValue) }),
                var above = mount.folder(of: path)
            else {
                found.missing[controller] = "there is no control group of it"
                continue
            }
            // Another hub in this group has made room before.
            if above.hasSuffix("/" + Self.room) { above.removeLast(Self.room.count + 1) }
            guard above == mount.point || (old == nil && reader.isDelegated(above)) else {
                found.missing[controller] = "the hub's control group \(path) is not its own to divide"
                continue
            }
            let offered = reader.text(above + "/cgroup.controllers")?.split { $0 == " " || $0 == "\n" } ?? []
            guard old != nil || offered.contains(Substring(controller.rawValue)) else {
                found.missing[controller] = "the hub's control group does not have the controller"
                continue
            }
            found.places[controller] = Place(folder: above + "/" + name, isUnified: old == nil, above: above)
        }
        return found
    }

    /// Where the processes go that a version 2 group with groups below it must not hold itself.
    private static let room = "osiris-hub.room"

    /// Makes the groups of groups, and tries each with one group. What does not work becomes `missing`.
    func prepared() -> ControlGroups {
        var ready = ControlGroups(missing: missing)
        for (controller, place) in places.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            do {
                if place.isUnified { try Self.enable(controller, in: place) }
                try CgroupFile.makeFolder(place.folder)
                if place.isUnified {
                    try CgroupFile.write("+\(controller)", to: place.folder + "/cgroup.subtree_control")
                }
                var trial = ControlGroups()
                trial.places[controller] = place
                let limits = FunctionSpec.Limits(memoryBytes: 1 << 24, cpuThousandths: 500, processes: 16)
                let group = trial.group(limits, besides: 0)
                defer { _ = group.end() }
                try group.make()
                ready.places[controller] = place
            } catch {
                ready.missing[controller] = "\(error)"
            }
        }
        return ready
    }

    /// A group of its own for one instance, with no folder where there is no controller. It is not made yet.
    /// - Parameter entourage: processes in it that are not the function's.
    func group(_ limits: FunctionSpec.Limits, besides entourage: Int) -> ControlGroup {
        ControlGroup(
            name: String(UInt64.random(in: 0...UInt64.max), radix: 36), places: places, limits: limits,
            entourage: entourage)
    }

    /// Ends what an earlier hub on this data folder left in its groups, and removes the groups.
    func sweep() {
        for place in Set(places.values.map(\.folder)) {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] {
                CgroupFile.removeFolder(place + "/" + name)
            }
            rmdir(place)
        }
    }

    private static func enable(_ controller: Controller, in place: Place) throws {
        // The root of all may hold processes beside groups; it is the one without a type.
        if FileManager.default.fileExists(atPath: place.above + "/cgroup.type") {
            let room = place.above + "/" + Self.room
            try CgroupFile.makeFolder(room)
            // Again for those that were started meanwhile.
            for _ in 0..<10 {
                let processes = CgroupFile.processes(in: place.above)
                if processes.isEmpty { break }
                for process in processes { try? CgroupFile.write("\(process)", to: room + "/cgroup.procs") }
            }
            // The hub goes before its functions.
            try? CgroupFile.write("200", to: room + "/cpu.weight")
        }
        try CgroupFile.write("+\(controller)", to: place.above + "/cgroup.subtree_control")
    }
}

/// One line of mountinfo (proc_pid_mountinfo(5)) that is a hierarchy of control groups. Plain.
struct CgroupMount: Sendable, Equatable {
    /// The group that is seen at `point`.
    var root: String
    var point: String
    /// Controllers of a version 1 hierarchy; nil for version 2.
    var controllers: [String]?

    static func all(in mountinfo: String) -> [CgroupMount] {
        mountinfo.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let dash = words.firstIndex(of: "-"), words.count > dash + 3, dash > 5 else { return nil }
            switch words[dash + 1] {
            case "cgroup2": return CgroupMount(root: words[3], point: words[4])
            case "cgroup":
                let options = words[dash + 3].split(separator: ",").map(String.init)
                return CgroupMount(root: words[3], point: words[4], controllers: options)
            default: return nil
            }
        }
    }

    /// - Parameter controller: of version 1; nil asks for version 2.
    func holds(_ controller: String?) -> Bool {
        controller.map { controllers?.contains($0) ?? false } ?? (controllers == nil)
    }

    /// Where a group is seen; nil for one above `root`.
    func folder(of path: String) -> String? {
        if path == root || path == "/" && root == "/" { return point }
        let prefix = root == "/" ? "/" : root + "/"
        guard path.hasPrefix(prefix), !path.hasPrefix("/..") else { return nil }
        return point + "/" + path.dropFirst(prefix.count)
    }
}
