import ArgumentParser
import Foundation
import OsirisDiagnostics
import OsirisTransport

/// Carries a cluster to where there is no network.
struct BundleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle", abstract: "Carry manifest, image, packages and functions to where there is no network.",
        discussion: "Example: osiris bundle create --out rack.bundle --key release.pem",
        subcommands: [BundleCreate.self, BundleVerify.self, BundleApply.self])
}

/// Whose signature a bundle must have.
struct BundleTrustOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The public key (PEM, ed25519) that must have signed it.", valueName: "file"))
    var trust: String?

    @Flag(help: "Take it without a signature; only its sums are checked.")
    var unsigned = false

    func validate() throws {
        if (trust == nil) != unsigned {
            throw ValidationError("name the key that must have signed the bundle with --trust FILE, or say --unsigned")
        }
    }

    /// - Throws: a `Diagnostic` if the file is no such key.
    func value() throws -> BundleArchive.Trust {
        guard let trust else { return .nobody }
        do {
            return .key(try VerifyingKey(pem: try String(contentsOfFile: trust, encoding: .utf8)))
        } catch {
            throw Diagnostic(
                .bundle, "\(trust) holds no ed25519 public key",
                help: "from a private key: openssl pkey -in release.pem -pubout -out \(trust)")
        }
    }
}

/// Runs what blocks on a thread of its own.
func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}
