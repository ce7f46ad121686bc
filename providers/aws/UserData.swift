import Foundation
import OsirisModel
import OsirisTransport

/// What instances are handed for their first start
/// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html). Whoever may describe an instance, and every
/// program on it, can read it.
enum UserData {
    /// Bytes, before base64.
    static let most = 16 * 1024

    /// Bytes that it would take.
    struct TooLarge: Error {
        var size: Int
    }

    /// As EC2 takes it. cloud-init unpacks what is compressed by itself.
    /// - Parameter scripts: of the instances that one call makes, by launch index; at least one.
    /// - Throws: `TooLarge`; `SharedScript.Unlike` if there are several.
    static func text(_ scripts: [String]) throws -> String {
        let script = scripts.count == 1 ? scripts[0] : try SharedScript(scripts).text
        var bytes = Array(script.utf8)
        if bytes.count > most { bytes = Gzip.compressed(bytes) }
        guard bytes.count <= most else { throw TooLarge(size: bytes.count) }
        return Data(bytes).base64EncodedString()
    }
}
