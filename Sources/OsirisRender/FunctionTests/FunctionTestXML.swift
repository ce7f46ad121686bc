import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

extension FunctionTestReport {
    /// The results as JUnit's XML, as far as build servers agree on it
    /// (https://github.com/testmoapp/junitxml): a suite for each function, a case for each test.
    public static func junit(_ results: [FunctionTestResult]) -> String {
        let root = element("testsuites", totals(results))
        for (function, results) in Dictionary(grouping: results, by: \.function).sorted(by: { $0.key < $1.key }) {
            let suite = element("testsuite", [("name", function)] + totals(results))
            for result in results {
                let entry = element(
                    "testcase", [("classname", function), ("name", result.name), ("time", seconds(result.seconds))])
                if let first = result.problems.first {
                    let failure = element("failure", [("message", first.text)])
                    failure.stringValue = allowed(
                        result.problems.map { ($0.span.map { "\(place($0)): " } ?? "") + $0.text }.joined(
                            separator: "\n"))
                    entry.addChild(failure)
                }
                suite.addChild(entry)
            }
            root.addChild(suite)
        }
        let document = XMLDocument(rootElement: root)
        document.version = "1.0"
        document.characterEncoding = "UTF-8"
        return document.xmlString(options: .nodePrettyPrint) + "\n"
    }

    private static func totals(_ results: [FunctionTestResult]) -> [(String, String)] {
        [
            ("tests", String(results.count)), ("failures", String(results.count { !$0.passed })),
            ("time", seconds(results.reduce(0) { $0 + $1.seconds })),
        ]
    }

    private static func element(_ name: String, _ attributes: [(String, String)]) -> XMLElement {
        let element = XMLElement(name: name)
        for (name, value) in attributes {
            guard let attribute = XMLNode.attribute(withName: name, stringValue: allowed(value)) as? XMLNode else {
                continue
            }
            element.addAttribute(attribute)
        }
        return element
    }

    private static func seconds(_ seconds: Double) -> String { String(format: "%.3f", seconds) }

    /// Without the characters that XML 1.0 has no way to write (section 2.2).
    private static func allowed(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.value {
                    case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: scalar
                    default: "\u{FFFD}"
                    }
                }))
    }
}
