import Foundation

/// Where the container engine of this machine is expected.
struct EngineSocket: Sendable, Equatable {
    /// Where podman and Docker put their sockets, after what somebody set.
    static let usual = ["/run/podman/podman.sock", "/var/run/docker.sock"]

    /// Paths of Unix sockets, the first that exists is taken.
    var candidates: [String]
    /// Who named them. For people.
    var source: String

    /// - Parameters:
    ///   - configured: `engine.socket` of `hub.json`.
    ///   - environment: may hold `DOCKER_HOST` as `unix://PATH`
    ///     (https://docs.docker.com/engine/reference/commandline/cli/#environment-variables) and `XDG_RUNTIME_DIR`.
    init(configured: String?, environment: [String: String]) {
        if let configured {
            (candidates, source) = ([configured], "hub.json")
        } else if let host = environment["DOCKER_HOST"], !host.isEmpty {
            candidates = host.hasPrefix("unix://") ? [String(host.dropFirst("unix://".count))] : []
            source = "DOCKER_HOST"
        } else {
            candidates = Self.usual
            if let own = environment["XDG_RUNTIME_DIR"] { candidates.insert("\(own)/podman/podman.sock", at: 1) }
            source = "the usual places"
        }
    }

    /// The first path that is a socket; nil if none is. Blocks; use `BlockingWork`.
    func find() -> String? {
        candidates.first { path in
            var info = stat()
            return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFSOCK
        }
    }

    /// Why there is none, in one sentence.
    var missing: String {
        if candidates.isEmpty { return "DOCKER_HOST is not unix://PATH, and the hub takes no other engine." }
        return "There is no socket of podman or Docker at \(candidates.joined(separator: ", ")) (\(source))."
    }
}
