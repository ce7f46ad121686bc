import Foundation

/// Looks at the hub from time to time and says what is wrong and what has changed. Plain: the caller looks.
struct Watch: Sendable {
    /// What one look saw.
    struct Look: Sendable {
        var functions: [FunctionStatus]
        var readiness: Readiness
        /// Calls and errors of each function over the window of each rate somebody wants to be told of.
        var rates: [AlertConfig.ErrorRate: [FunctionName: (calls: Int, errors: Int)]] = [:]
        /// Bytes free and in all where the data folder lies; nil if that is not known.
        var disk: (free: Int, total: Int)?
        /// When the hub's certificate ends, seconds since 1970; nil without one.
        var certificateEnd: Double?
    }

    /// Something to tell as an event.
    struct News: Sendable, Equatable {
        var kind: HubEvent.Kind
        var function: FunctionName?
        var version: Int?
        var message: String?
    }

    /// Free space below which the disk is low: bytes, and a hundredth part of the disk.
    static let lowDisk = (bytes: 256 << 20, part: 100)
    /// Seconds before its end that a certificate is told of.
    static let certificateNotice = 14 * 86_400.0

    private var ready: Bool?
    private var diskIsLow = false
    private var toldCertificate: Double?
    private var failed: [FunctionName: Int] = [:]

    /// What is wrong, with words for people.
    static func troubles(_ look: Look) -> [Incidents.Trouble: String] {
        var troubles: [Incidents.Trouble: String] = [:]
        for function in look.functions where function.state == .crashLoop {
            troubles[.init(kind: .crashLoop, function: function.functionName)] =
                function.lastError ?? "It keeps ending."
        }
        if !look.readiness.ready {
            troubles[.init(kind: .notReady)] = Self.words(look.readiness)
        }
        for (rate, counts) in look.rates {
            for (function, count) in counts
            where count.calls >= rate.least && count.errors * 100 >= rate.percent * count.calls {
                troubles[.init(kind: .errorRate, function: function, rate: rate)] =
                    "\(count.errors) of \(count.calls) calls failed in \(rate.windowMs / 1000) s."
            }
        }
        return troubles
    }

    /// What is new since the last look.
    /// - Parameter now: seconds since 1970.
    mutating func news(_ look: Look, at now: Double) -> [News] {
        var news: [News] = []
        if ready != look.readiness.ready {
            news.append(
                look.readiness.ready
                    ? News(kind: .ready) : News(kind: .notReady, message: Self.words(look.readiness)))
            ready = look.readiness.ready
        }
        for function in look.functions
        where function.state == .crashLoop && function.version != function.servingVersion {
            guard failed.updateValue(function.version, forKey: function.functionName) != function.version else {
                continue
            }
            news.append(
                News(
                    kind: .versionFailed, function: function.functionName, version: function.version,
                    message: function.lastError))
        }
        failed = failed.filter { name, _ in look.functions.contains { $0.functionName == name } }
        if let (free, total) = look.disk {
            let isLow = free < min(Self.lowDisk.bytes, total / 10) || free < total / Self.lowDisk.part
            if isLow, !diskIsLow { news.append(News(kind: .diskLow, message: "\(free >> 20) MiB are free.")) }
            diskIsLow = isLow
        }
        if let end = look.certificateEnd, end - now < Self.certificateNotice, toldCertificate != end {
            toldCertificate = end
            news.append(
                News(kind: .certificateExpiring, message: "The certificate ends at \(LogLine.timestamp(end))."))
        }
        return news
    }

    private static func words(_ readiness: Readiness) -> String {
        readiness.waiting.map { ($0.namespace.isEmpty ? $0.name : "\($0.namespace)/\($0.name)") + ": \($0.reason)" }
            .joined(separator: "; ")
    }

    /// Free and all bytes for the hub's user where a folder lies; nil if the system does not say. Blocks.
    static func disk(_ folder: String) -> (free: Int, total: Int)? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        return (Int(status.f_bavail) * Int(status.f_frsize), Int(status.f_blocks) * Int(status.f_frsize))
    }
}

extension FunctionStatus {
    var functionName: FunctionName { FunctionName(namespace: namespace, name: name) }
}
