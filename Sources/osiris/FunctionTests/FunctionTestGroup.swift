import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// Cases of one function that one deployment of it can serve: same environment, same mock data.
struct FunctionTestGroup: Sendable {
    enum Work: Sendable {
        case cases([FunctionTestCase])
        /// `tests/test_*.py`, run by Python's unittest.
        case unitTests
    }

    /// As in the manifest.
    let function: FunctionSpec
    let work: Work
    /// Tells the deployments of one function apart.
    let number: Int

    /// Cases at once, and instances for them.
    static let parallelism = 4

    /// The groups of one function.
    static func groups(of function: FunctionSpec, _ cases: [FunctionTestCase]) -> [FunctionTestGroup] {
        struct Key: Hashable {
            var env: [String: String]
            var mock: String?
        }
        var order: [Key] = []
        var byKey: [Key: [FunctionTestCase]] = [:]
        for test in cases {
            let key = Key(env: test.env, mock: test.mock)
            if byKey[key] == nil { order.append(key) }
            byKey[key, default: []].append(test)
        }
        var groups = order.enumerated().map { index, key in
            FunctionTestGroup(function: function, work: .cases(byKey[key] ?? []), number: index)
        }
        if hasUnitTests(function) {
            groups.append(FunctionTestGroup(function: function, work: .unitTests, number: groups.count))
        }
        return groups
    }

    private static func hasUnitTests(_ function: FunctionSpec) -> Bool {
        guard function.runtime == .python3, let source = function.sourceFolder else { return false }
        let names = try? FileManager.default.contentsOfDirectory(atPath: "\(source)/\(SourceTree.testsFolder)")
        return names?.contains { $0.hasPrefix("test_") && $0.hasSuffix(".py") } ?? false
    }

    /// The function to deploy: the real one with the environment and the mock data of these cases.
    /// - Parameter folder: where its source is put together.
    /// - Throws: what the file system says.
    func deployable(in folder: String) throws -> FunctionSpec {
        var function = function
        // Namespaces separate the deployments: the function keeps its name.
        if number > 0 { function.namespace = "\(function.namespace.prefix(50))--tests-\(number)" }
        (function.smoke, function.placement, function.alwaysOn) = (nil, nil, true)
        function.scale = FunctionSpec.Scale()
        if case .cases(let cases) = work {
            function.scale = FunctionSpec.Scale(min: min(cases.count, Self.parallelism))
        }
        var env: [String: String] = [:]
        var mock: String?
        switch work {
        case .cases(let cases): (env, mock) = (cases.first?.env ?? [:], cases.first?.mock)
        case .unitTests:
            function.handler = UnitTestHandler.handler
            function.limits.timeoutMilliseconds = max(
                function.limits.timeoutMilliseconds, UnitTestHandler.timeoutMilliseconds)
        }
        for (name, value) in env {
            function.secrets[name] = nil
            function.env[name] = .string(value)
        }
        guard let source = function.sourceFolder else { return function }
        var files = try SourceTree(folder: source).files
        if case .unitTests = work {
            files += try SourceTree(folder: "\(source)/\(SourceTree.testsFolder)").files.map { file in
                var file = file
                file.path = "\(UnitTestHandler.folder)/\(file.path)"
                return file
            }
            files.append(UnitTestHandler.file)
        }
        if let mock {
            let laid = try SourceTree(folder: mock).files
            let paths = Set(laid.map(\.path))
            files = files.filter { !paths.contains($0.path) } + laid
        }
        for file in files {
            let url = URL(fileURLWithPath: "\(folder)/\(file.path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.bytes).write(to: url)
            let mode = file.executable ? 0o755 : 0o644
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
        }
        (function.sourceFolder, function.sourceDigest) = (folder, try SourceTree(folder: folder).digest)
        return function
    }
}
