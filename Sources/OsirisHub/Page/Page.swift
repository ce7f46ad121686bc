import Foundation
import OsirisModel

/// The page at `/ui`: one document that loads nothing, and the headers that keep it so.
enum Page {
    /// The whole document, the same for everybody; it has no data.
    static let document: String = {
        text(PackageResources.page_html).replacingOccurrences(of: "{{style}}", with: style)
            .replacingOccurrences(of: "{{script}}", with: script)
    }()

    /// Only the style and the script of this document, by their digests; requests only to the hub itself; text never
    /// becomes markup (https://www.w3.org/TR/CSP3/, https://www.w3.org/TR/trusted-types/).
    static let policy: String = [
        "default-src 'none'", "script-src '\(digest(script))'", "style-src '\(digest(style))'", "connect-src 'self'",
        "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")

    private static let style = "\n" + text(PackageResources.page_css)
    private static let script =
        "\n\"use strict\";\n"
        + [PackageResources.client_js, PackageResources.charts_js, PackageResources.page_js].map(text)
        .joined(separator: "\n")

    private static func digest(_ text: String) -> String {
        "sha256-" + Data(Digest.sha256Bytes(text.utf8)).base64EncodedString()
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
