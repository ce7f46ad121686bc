import Foundation
import OsirisTransport

/// Asks the hub on a data folder whether it is alive, as an engine does with its containers. Needs no token.
public struct HealthCheck: Sendable {
    /// Longest wait for the answer.
    public static let patience = Duration.seconds(5)

    private let data: DataFolder
    private let config: String

    /// - Parameter config: path of the configuration.
    public init(folder: String, config: String) {
        data = DataFolder(path: folder)
        self.config = config
    }

    /// - Throws: `StartFailure` if no hub runs there, or it does not answer.
    public func run() async throws {
        let (data, file) = (data, config)
        let (url, tls) = try await BlockingWork.run {
            let config = try HubConfig.read(path: file)
            guard let note = FileManager.default.contents(atPath: data.pidFile),
                let port = try? JSONDecoder().decode(PidNote.self, from: note).port
            else { throw StartFailure("No hub runs on \(data.path).") }
            // Every address of the machine is none to ask at.
            let host = ["0.0.0.0", "::"].contains(config.host) ? "127.0.0.1" : config.host
            let authority = try config.tls.map { tls in
                // It is asked whether it shows its own certificate; whose that is, others ask.
                try ServerCertificate.certificates(inFile: "\(data.path)/\(tls.file)")
            }
            let name = host.contains(":") ? "[\(host)]" : host
            return (
                "\(authority == nil ? "http" : "https")://\(name):\(port)/healthz",
                authority.map { TLSFiles(authorityText: $0) }
            )
        }
        do {
            let answer = try await HTTPClient().send(HTTPRequest("GET", url, timeout: Self.patience, tls: tls))
            guard answer.status == 200 else { throw StartFailure("\(url) answers \(answer.status).") }
        } catch let error as HTTPError {
            throw StartFailure("\(error)")
        }
    }
}

/// What a hub that listens writes to `DataFolder.pidFile`.
struct PidNote: Codable {
    var pid: Int32
    var startTime: UInt64
    var port: Int
}
