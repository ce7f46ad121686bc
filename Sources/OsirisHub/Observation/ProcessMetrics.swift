import Foundation

/// What the system says about the hub's own process (proc_pid_stat(5)), under the names of Prometheus's client libraries
/// (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics).
struct ProcessMetrics: Sendable, Equatable {
    var residentBytes: Int
    var cpuSeconds: Double
    var openFiles: Int
    /// Seconds since 1970.
    var startTime: Double

    /// Reads them; nil where `/proc` is not as on Linux. Blocks.
    static func read() -> ProcessMetrics? {
        func text(_ file: String) -> String? {
            FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) }
        }
        guard let stat = text("/proc/self/stat"), let name = stat.lastIndex(of: ")"),
            let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count,
            let boot = text("/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") })?
                .split(separator: " ").last.flatMap({ Double($0) })
        else { return nil }
        // Fields from the third on; the second is the name.
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
            let start = Double(fields[19]), let pages = Int(fields[21])
        else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        return ProcessMetrics(
            residentBytes: pages * Int(sysconf(Int32(_SC_PAGESIZE))), cpuSeconds: (user + system) / ticks,
            // One of them is the folder itself, while it is read.
            openFiles: files - 1, startTime: boot + start / ticks)
    }
}
