import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisRender
import OsirisTransport

/// Calls a deployed function for its tests and judges the answers.
struct FunctionTestClient: Sendable {
    let function: FunctionSpec
    /// What the function is called in the report.
    let label: String
    let hub: TemporaryHub
    let http: any HTTPSending

    /// Longest wait for an instance.
    private static let patience = Duration.seconds(30)

    /// True if no instance had time for the call: another case has it, or killed it. That is no fault of the function.
    private static func isWaiting(_ answer: HTTPResponse) -> Bool {
        guard answer.status == 503, let error = try? Value(plainJSON: answer.body).mapValue?["error"]?.mapValue else {
            return false
        }
        return error["code"] == "not_ready"
    }

    /// One case.
    func run(_ test: FunctionTestCase) async -> FunctionTestResult {
        var headers = test.headers
        if !test.body.isEmpty, !headers.keys.contains(where: { $0.lowercased() == "content-type" }) {
            headers["Content-Type"] = "application/json"
        }
        var started = ContinuousClock.now
        let patience = started + Self.patience
        var problems: [FunctionTestResult.Problem] = []
        do {
            while true {
                started = .now
                let answer = try await send(
                    test.method, path: test.path == "/" ? "" : test.path, headers: headers, body: test.body,
                    within: test.withinMilliseconds)
                problems = judge(answer, test)
                guard Self.isWaiting(answer), test.error?.code != "not_ready", started < patience else { break }
                try await Task.sleep(for: .milliseconds(100))
            }
        } catch let error as HTTPError where error.kind == .timedOut {
            problems = [.init("it did not answer within \(test.withinMilliseconds) ms", at: test.spans["within"])]
        } catch {
            problems = [.init("the call failed: \(error)", at: test.spans.whole)]
        }
        return result(test.name, since: started, problems)
    }

    /// All of its `test_*.py`.
    func unitTests() async -> [FunctionTestResult] {
        let started = ContinuousClock.now
        func failed(_ text: String) -> [FunctionTestResult] {
            [result("unit tests", since: started, [.init("the unit tests did not come to their end: \(text)")])]
        }
        let answer: HTTPResponse
        do {
            answer = try await send(
                "POST", path: "", headers: [:], body: Array("{}".utf8), within: function.limits.timeoutMilliseconds * 2)
        } catch {
            return failed("\(error)")
        }
        guard answer.status == 200, let rows = try? Value(plainJSON: answer.body).listValue else {
            return failed("the hub answers \(answer.status): \(shown(answer))")
        }
        if rows.isEmpty { return failed("there is no test in test_*.py") }
        return rows.compactMap(\.mapValue).map { row in
            let passed = row["passed"]?.boolValue == true
            let text =
                hasSecrets
                ? "a text that is not shown, because the function has secrets" : row["text"]?.stringValue ?? ""
            let seconds: Double =
                switch row["seconds"] {
                case .double(let seconds): seconds
                default: 0
                }
            return FunctionTestResult(
                function: label, name: row["name"]?.stringValue ?? "?", seconds: seconds,
                problems: passed ? [] : [.init(String(text.reversed().drop(while: \.isNewline).reversed()))])
        }
    }

    private func send(
        _ method: String, path: String, headers: [String: String], body: [UInt8], within milliseconds: Int
    ) async throws -> HTTPResponse {
        let fields = headers.filter { $0.key.lowercased() != "authorization" }.map { HTTPHeader($0.key, $0.value) }
        return try await http.send(
            HTTPRequest(
                method, "\(hub.url)/function/\(function.namespace)/\(function.name)\(path)",
                headers: fields + [HTTPHeader("Authorization", "Bearer \(hub.token)")],
                body: body.isEmpty && method == "GET" ? nil : body, timeout: .milliseconds(milliseconds)))
    }

    private func judge(_ answer: HTTPResponse, _ test: FunctionTestCase) -> [FunctionTestResult.Problem] {
        typealias Problem = FunctionTestResult.Problem
        let json = try? Value(plainJSON: answer.body)
        if let wanted = test.status, wanted != answer.status {
            return [
                Problem("expected status \(wanted), came \(answer.status): \(shown(answer))", at: test.spans["status"])
            ]
        }
        if let error = test.error {
            if test.status == nil, answer.status < 400 {
                return [Problem("expected an error, came \(answer.status): \(shown(answer))", at: test.spans["error"])]
            }
            let came = json?.mapValue?["error"]?.mapValue
            let code = came?["code"]?.stringValue ?? ""
            let message = came?["message"]?.stringValue ?? String(decoding: answer.body, as: UTF8.self)
            var problems: [Problem] = []
            if let wanted = error.code, wanted != code {
                problems.append(Problem("expected the code \(wanted), came \(code)", at: test.spans["error.code"]))
            }
            if let part = error.contains, !message.contains(part) {
                problems.append(
                    Problem(
                        "expected a message with \"\(part)\", came \(shown(answer))", at: test.spans["error.contains"]))
            }
            return problems
        }
        if test.status == nil, !(200..<300).contains(answer.status) {
            return [Problem("answered \(answer.status): \(shown(answer))", at: test.spans.whole)]
        }
        if let text = test.text, Array(text.utf8) != answer.body {
            return [Problem("expected \"\(text)\", came \(shown(answer))", at: test.spans["text"])]
        }
        guard let expected = test.expect else { return [] }
        guard let json else {
            return [Problem("expected JSON, came \(shown(answer))", at: test.spans["expect"])]
        }
        return expected.mismatches(with: json).map { mismatch in
            let place = mismatch.path.isEmpty ? "expect" : "expect.\(mismatch.path)"
            let found = mismatch.found.map { shown(Self.line($0)) } ?? "nothing"
            return Problem("\(place): expected \(Self.line(mismatch.expected)), came \(found)", at: test.spans[place])
        }
    }

    private func result(
        _ name: String, since start: ContinuousClock.Instant, _ problems: [FunctionTestResult.Problem]
    ) -> FunctionTestResult {
        FunctionTestResult(
            function: label, name: name, seconds: (ContinuousClock.now - start) / .seconds(1), problems: problems)
    }

    private static func line(_ value: Value) -> String { String(decoding: value.plainJSON(), as: UTF8.self) }

    private func shown(_ answer: HTTPResponse) -> String { shown(String(decoding: answer.body, as: UTF8.self)) }

    private var hasSecrets: Bool { !function.secrets.isEmpty || function.env.values.contains(where: \.isSecret) }

    /// Short. Nothing of what a function with secrets says: it may answer them, in any spelling.
    private func shown(_ text: String) -> String {
        if hasSecrets { return "an answer that is not shown, because the function has secrets" }
        return text.count > 500 ? text.prefix(500) + "…" : text
    }
}
