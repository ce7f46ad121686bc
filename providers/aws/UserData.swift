import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What an instance is handed for its first start
/// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html). Whoever may describe the instance, and every
/// program on it, can read it.
enum UserData {
    /// Bytes, before base64.
    private static let most = 16 * 1024

    /// As EC2 takes it. cloud-init unpacks what is compressed by itself.
    /// - Throws: `ProviderError` if it is too large.
    static func text(_ script: String, of address: ResourceAddress) throws -> String {
        var bytes = Array(script.utf8)
        if bytes.count > most { bytes = Gzip.compressed(bytes) }
        guard bytes.count <= most else {
            throw ProviderError(
                .rejected,
                "\(address): what it does at its first start takes \(bytes.count) bytes compressed, and EC2 allows \(most)",
                help: "make `spec.hub.settings` shorter, or send an `archive` in place of `image`", attribute: "boot")
        }
        return Data(bytes).base64EncodedString()
    }
}
