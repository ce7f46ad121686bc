import Foundation

/// The hub's own open files: so many connections must leave enough for instances and their pipes.
enum OpenFiles {
    /// Most connections to the hub, however many files it may open.
    private static let mostConnections = 8_192

    /// Raises the soft limit to the hard one.
    /// - Returns: how many connections the hub takes at one time: half of its files.
    static func raise() -> Int {
        var limit = rlimit()
        // Its name is an enum in glibc and a number in musl.
        let resource = __rlimit_resource_t(7)
        guard getrlimit(resource, &limit) == 0 else { return 512 }
        var wanted = limit
        wanted.rlim_cur = wanted.rlim_max
        if setrlimit(resource, &wanted) == 0 { limit = wanted }
        return max(64, min(Int(clamping: limit.rlim_cur) / 2, mostConnections))
    }
}
