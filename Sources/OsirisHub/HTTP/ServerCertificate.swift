import Foundation
import Logging
import NIOSSL
import OsirisModel
import Synchronization

/// The certificate the hub shows, and its key: read from their file, and again whenever that is replaced.
///
/// A connection keeps the certificate it began with; the next one gets the new one. So a rotation ends no call.
final class ServerCertificate: Sendable {
    /// What is shown now.
    struct Present: Sendable {
        var expires: Date
        /// `sha256:` and the digest of the certificate's DER form.
        var fingerprint: String
        fileprivate var context: NIOSSLContext
        fileprivate var version: FileVersion
    }

    /// Tells a file from the one that took its place.
    fileprivate struct FileVersion: Sendable, Equatable {
        var node: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int

        init?(_ file: String) {
            var found = stat()
            guard stat(file, &found) == 0 else { return nil }
            (node, size) = (UInt64(found.st_ino), Int64(found.st_size))
            (seconds, nanoseconds) = (found.st_mtim.tv_sec, found.st_mtim.tv_nsec)
        }
    }

    /// How soon a new file is shown. Asked for instead of waited for, because that works on every file system and
    /// through every mount of a container.
    static let interval = Duration.seconds(1)

    private let file: String
    private let state: Mutex<Present>

    /// Reads the file; blocks.
    /// - Throws: `StartFailure` if it is missing, open to other users, or not a key and its certificate.
    init(file: String) throws {
        self.file = file
        state = Mutex(try Self.read(file))
    }

    var present: Present { state.withLock { $0 } }

    /// For one connection.
    var context: NIOSSLContext { state.withLock { $0.context } }

    /// Looks after the file until it is cancelled. A file that cannot be used leaves the certificate as it is.
    func watch(_ logger: Logger) async throws {
        var seen = present.version
        while true {
            try await Task.sleep(for: Self.interval)
            let (file, known) = (file, seen)
            let found: (version: FileVersion, result: Result<Present, any Error>)? = try await BlockingWork.run {
                // Before it is read: a file that takes its place meanwhile is read the next time.
                guard let version = FileVersion(file), version != known else { return nil }
                return (version, Result { try Self.read(file) })
            }
            guard let found else { continue }
            seen = found.version
            switch found.result {
            case .success(let new):
                state.withLock { $0 = new }
                logger.notice(
                    "The hub shows a new certificate", metadata: ["expires": "\(new.expires.formatted(.iso8601))"])
            case .failure(let failure): logger.error("The hub keeps its certificate: \(failure)")
            }
        }
    }

    /// The certificates of a file that has a key as well, PEM; blocks.
    static func certificates(inFile file: String) throws -> String {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw StartFailure("\(file) is missing or not readable.")
        }
        let certificate = #/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/#
        return text.matches(of: certificate).map { $0.output + "\n" }.joined()
    }

    private static func read(_ file: String) throws -> Present {
        guard let version = FileVersion(file), let bytes = FileManager.default.contents(atPath: file) else {
            throw StartFailure(
                "\(file) is missing or not readable. The provisioner writes it before it starts the hub.")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int ?? 0
        guard mode & 0o077 == 0 else { throw StartFailure("\(file) is open to other users. Give it mode 0600.") }
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(Array(bytes))
            let key = try NIOSSLPrivateKey(bytes: Array(bytes), format: .pem)
            guard let first = certificates.first else { throw StartFailure("\(file) holds no certificate.") }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            return Present(
                expires: Date(timeIntervalSince1970: TimeInterval(first.notValidAfter)),
                fingerprint: Digest.sha256(try first.toDERBytes()),
                context: try NIOSSLContext(configuration: configuration), version: version)
        } catch let failure as StartFailure {
            throw failure
        } catch {
            throw StartFailure("\(file) does not hold a private key and its certificate: \(error)")
        }
    }

    /// Its line in the Prometheus text: seconds until it ends, negative afterwards.
    func metric(now: Date) -> String {
        let left = Int(present.expires.timeIntervalSince(now))
        var text = MetricsText()
        text.head("osiris_certificate_expiry_seconds", "gauge", "Seconds until the hub's certificate expires.")
        text.sample("osiris_certificate_expiry_seconds", [], String(left))
        return text.text
    }
}
