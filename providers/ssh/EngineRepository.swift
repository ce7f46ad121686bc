import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// A package source of one's own that an engine is installed from, `engine.repository` of a target: of apt if it names a
/// suite, else of dnf. Packages count only if the key has signed them.
public struct EngineRepository: Sendable, Hashable {
    let url: String
    /// Of apt; one that ends in a slash is a flat repository and has no components.
    let suite: String?
    let components: [String]
    /// The package to install; nil for the one that the distribution has the engine in.
    let package: String?

    /// - Parameter arguments: as an engine's resource has them.
    init?(_ arguments: Value?) {
        guard let fields = arguments?.mapValue, let url = fields["url"]?.stringValue else { return nil }
        self.url = url
        suite = fields["suite"]?.stringValue
        components = fields["components"]?.listValue?.compactMap(\.stringValue) ?? []
        package = fields["package"]?.stringValue
    }

    /// The program that reads it.
    var program: String { suite == nil ? "dnf" : "apt-get" }

    /// The text of its file for that program, with the paths that `Scripts/engine.sh` knows. Sources: sources.list(5),
    /// dnf.conf(5).
    var text: String {
        guard let suite else {
            return """
                # Put here by osiris.
                [osiris-engine]
                name=Container engine
                baseurl=\(url)
                enabled=1
                gpgcheck=1
                gpgkey=file:///etc/pki/rpm-gpg/osiris-engine.asc

                """
        }
        let components = components.isEmpty ? "" : "Components: \(components.joined(separator: " "))\n"
        return """
            # Put here by osiris.
            Types: deb
            URIs: \(url)
            Suites: \(suite)
            \(components)Signed-By: /etc/apt/keyrings/osiris-engine.asc

            """
    }

    public static let schema = Schema([
        Field(
            "url", .string, required: true, doc: "Where it is: `http`, `https` or, on the host itself, `file`.",
            example: "https://packages.dc1.example/debian"),
        Field(
            "suite", .string,
            doc: "Suite of an apt repository; one that ends in `/` is a flat one. Without a suite it is one for dnf.",
            example: "bookworm"),
        Field("components", .list(of: .string), doc: "Of the suite.", example: "[stable]"),
        Field(
            "key", .path(mustExist: .file), required: true,
            doc: "The public OpenPGP key that has signed it, in ASCII.", example: "keys/packages.asc"),
        Field(
            "package", .string, doc: "The engine's package, if it is called otherwise there than by the distribution.",
            example: "docker-ce"),
    ])

    /// What is wrong with the one of a target; its words go into files that programs of root read. Pure.
    static func faults(_ target: Target) -> [Diagnostic] {
        let engine = target.settings["engine"]?.mapValue ?? [:]
        guard let repository = EngineRepository(engine["repository"]) else { return [] }
        var faults: [Diagnostic] = []
        func fault(_ code: DiagnosticCode, _ message: String, _ key: String, help: String) {
            let path = key.isEmpty ? "engine.repository" : "engine.repository.\(key)"
            faults.append(
                Diagnostic(
                    code, "target \(target.name): \(message)", at: target.spans[path],
                    help: help))
        }
        let url = repository.url
        if !["http://", "https://", "file:/"].contains(where: url.hasPrefix) || !isPlain(url, "/:._-~%@+=,") {
            fault(
                .invalidPattern, "`\(url)` is not the URL of a repository", "url",
                help: "https://packages.example/debian")
        }
        let isFlat = repository.suite?.hasSuffix("/") == true
        if let suite = repository.suite, !isPlain(suite, "/._-~+") {
            fault(
                .invalidPattern, "`\(suite)` is not a suite", "suite",
                help: "such as bookworm, or ./ for a flat repository")
        }
        for component in repository.components where !isPlain(component, "/._-~+") {
            fault(.invalidPattern, "`\(component)` is not a component", "components", help: "such as [main]")
        }
        if let package = repository.package, !isPlain(package, "._-+") {
            fault(.invalidPattern, "`\(package)` is not a package", "package", help: "such as docker-ce")
        }
        if repository.suite == nil || isFlat, !repository.components.isEmpty {
            fault(
                .conflictingKeys, "engine.repository has components and no suite with some", "components",
                help: "name the suite, or take `components` out")
        } else if repository.suite != nil, !isFlat, repository.components.isEmpty {
            fault(
                .missingKey, "engine.repository has a suite and no components", "",
                help: "components: [main]; the suite of a flat repository ends in /")
        }
        if engine["packages"] != nil {
            fault(
                .conflictingKeys, "engine.packages and engine.repository are two places for the same packages", "",
                help: "take one of them out")
        }
        return faults
    }

    private static func isPlain(_ text: String, _ more: String) -> Bool {
        !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                    || more.unicodeScalars.contains(scalar)
            }
    }
}
