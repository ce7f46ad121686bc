import Foundation
import OsirisDiagnostics
import OsirisModel

/// Reads the cases in the `tests` folder of a function's source: each `*.yaml`, `*.yml` and `*.json` directly in it is a
/// list of them.
public struct FunctionTestReader {
    public private(set) var cases: [FunctionTestCase] = []
    public private(set) var diagnostics: [Diagnostic] = []
    /// Text of each file by the name it has in the diagnostics.
    public private(set) var sources: [String: String] = [:]

    private let probe: FileProbe
    private let environment: [String: String]

    /// - Parameters:
    ///   - source: the function's source folder.
    ///   - shown: what the tests' folder is called in messages.
    ///   - environment: for `${env.NAME}`.
    public init(source: String, shown: String, environment: [String: String]) {
        probe = FileProbe(folder: source + "/" + SourceTree.testsFolder)
        self.environment = environment
        for name in probe.names(in: ".") where [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) {
            read(name, shown: "\(shown)/\(name)")
        }
    }

    private mutating func read(_ name: String, shown: String) {
        let file: SourceFile
        do {
            file = try SourceFile(name: shown, bytes: FileProbe.bytes(of: probe.absolute(name)))
        } catch let fault as Diagnostic {
            return diagnostics.append(fault)
        } catch {
            let reason = (error as? FileProbe.Reason).map { ": \($0.text)" } ?? ""
            return diagnostics.append(Diagnostic(.error, .fileUnreadable, "cannot read `\(shown)`\(reason)"))
        }
        sources[shown] = String(decoding: file.bytes, as: UTF8.self)
        let (documents, faults) = YAMLReader.read(file)
        diagnostics += faults
        for document in documents {
            var checker = Checker(
                reader: ScalarReader(variables: [:], environment: environment, sources: SourceSet([file])),
                files: probe, kinds: [],
                secretDigest: { $0 })
            let checked = checker.check(document.root, .list(of: .object(ManifestSchema.functionTest)))
            diagnostics += checker.diagnostics
            for (index, item) in checked.items.enumerated() where !item.isInvalid {
                add(item, called: "\(name)[\(index)]", in: file)
            }
        }
    }

    private mutating func add(_ item: Checked, called name: String, in file: SourceFile) {
        for keys in [["input", "inputFile", "body"], ["expect", "expectFile", "text"]] {
            let given = keys.filter { item[$0] != nil }
            guard given.count > 1, let place = item[given[1]]?.keyPlace else { continue }
            diagnostics.append(
                Diagnostic(
                    .error, .conflictingKeys, "the case has both `\(given[0])` and `\(given[1])`",
                    at: place.span(in: file.name), help: "keep one of the two"))
        }
        let path = item["path"]?.text ?? "/"
        if !path.hasPrefix("/"), let place = item["path"]?.place {
            diagnostics.append(
                Diagnostic(
                    .error, .outOfRange, "the path must begin with `/`", at: place.span(in: file.name),
                    help: "for example `path: /items`"))
        }
        let error = item["error"].map { error in
            FunctionTestCase.ExpectedError(code: error["code"]?.text, contains: error["contains"]?.text)
        }
        cases.append(
            FunctionTestCase(
                name: item["name"]?.text ?? name, method: item["method"]?.text ?? "POST", path: path,
                headers: words(item["headers"]), body: body(of: item, in: file), env: words(item["env"]),
                mock: item["mock"]?.text.map(probe.absolute), status: item["status"]?.value.intValue,
                expect: expectation(of: item, in: file), text: item["text"]?.text, error: error,
                withinMilliseconds: item["within"]?.value.intValue ?? 10_000, spans: item.spans(in: SourceSet([file]))))
    }

    private func words(_ map: Checked?) -> [String: String] {
        (map?.value.mapValue ?? [:]).compactMapValues(\.stringValue)
    }

    private mutating func body(of item: Checked, in file: SourceFile) -> [UInt8] {
        if let text = item["body"]?.text { return Array(text.utf8) }
        if let path = item["inputFile"] { return bytes(path, in: file) }
        if let input = item["input"] { return input.value.plainJSON() }
        return item["method"]?.text == "GET" ? [] : Array("{}".utf8)
    }

    private mutating func expectation(of item: Checked, in file: SourceFile) -> Value? {
        guard let path = item["expectFile"] else { return item["expect"]?.value }
        let bytes = bytes(path, in: file)
        do {
            return try Value(plainJSON: bytes)
        } catch {
            diagnostics.append(
                Diagnostic(
                    .error, .wrongType, "the file \((path.text ?? "").ticked) is not JSON: \(error)",
                    at: path.place.span(in: file.name)))
            return nil
        }
    }

    private mutating func bytes(_ path: Checked, in file: SourceFile) -> [UInt8] {
        guard let text = path.text else { return [] }
        do {
            return try FileProbe.bytes(of: probe.absolute(text))
        } catch {
            diagnostics.append(
                Diagnostic(
                    .error, .fileUnreadable, "cannot read \(text.ticked): \(error.text)",
                    at: path.place.span(in: file.name)))
            return []
        }
    }
}
