import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisPlanner

/// A plan, or an apply with its timeline, as one HTML file that loads nothing: targets, racks and machines drawn and
/// coloured by what happens to them, every change with its cause, a search.
public struct Page: Sendable {
    private let plan: Plan
    private let nodes: [GraphNode]
    private let sources: [String: String]
    private let timeline: ApplyTimeline?

    /// - Parameters:
    ///   - nodes: all resources, unchanged ones too; empty to draw only those the plan has.
    ///   - sources: the manifest files by name, secrets masked, for the lines that changes come from.
    ///   - timeline: of the apply of this plan.
    public init(
        _ plan: Plan, nodes: [GraphNode] = [], sources: [String: String] = [:], timeline: ApplyTimeline? = nil
    ) {
        self.plan = plan
        self.nodes = nodes.isEmpty ? GraphNode.nodes(of: .empty, plan: plan) : nodes
        self.sources = sources
        self.timeline = timeline
    }

    /// The whole file.
    /// - Parameter time: when it is made, as it says.
    public func render(at time: Date) -> String {
        let data = PageData(plan, ResourceMap(nodes), sources, timeline, madeAt: time).value.jsonText
        // Nothing in the data may end the element it stands in (https://html.spec.whatwg.org/#restrictions-for-contents-of-script-elements).
        let harmless = data.replacingOccurrences(of: "<", with: "\\u003c")
        return Self.shell.joined(separator: harmless)
    }

    /// The file before and after the data.
    private static let shell: [String] = {
        text(PackageResources.page_html).replacingOccurrences(of: "{{policy}}", with: policy)
            .replacingOccurrences(of: "{{style}}", with: style).replacingOccurrences(of: "{{script}}", with: script)
            .components(separatedBy: "{{data}}")
    }()

    /// Only the style and the script of this file, by their digests; no request at all; text never becomes markup
    /// (https://www.w3.org/TR/CSP3/, https://www.w3.org/TR/trusted-types/).
    private static let policy = [
        "default-src 'none'", "script-src '\(digest(script))'", "style-src '\(digest(style))'", "img-src data:",
        "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")

    private static let style = "\n" + text(PackageResources.page_css)
    private static let script =
        "\n\"use strict\";\n"
        + [
            PackageResources.elements_js, PackageResources.map_js, PackageResources.changes_js,
            PackageResources.timeline_js, PackageResources.page_js,
        ]
        .map(text).joined(separator: "\n")

    private static func digest(_ text: String) -> String {
        "sha256-" + Data(Digest.sha256Bytes(text.utf8)).base64EncodedString()
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
