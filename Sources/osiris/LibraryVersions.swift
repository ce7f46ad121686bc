import CLibCrypto
import CLibCurl
import CLibSSH2
import CLibYAML

/// The versions of the C libraries this program runs with, for bug reports.
enum LibraryVersions {
    static var all: [(name: String, version: String)] {
        [
            ("libcurl", text(curl_version_info(CURLVERSION_FIRST)?.pointee.version)),
            ("libcrypto", text(OpenSSL_version(OPENSSL_VERSION))),
            ("libssh2", text(libssh2_version(0))),
            ("libyaml", text(yaml_get_version_string())),
        ]
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map(String.init(cString:)) ?? "?" }
}
