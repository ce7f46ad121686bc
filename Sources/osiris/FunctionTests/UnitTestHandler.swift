import OsirisModel

/// The handler that stands in for a function whose `tests/test_*.py` are run: unittest, in the function's own sandbox.
enum UnitTestHandler {
    static let handler = "osiris_unittest.run"
    /// Where the tests lie beside the function's code.
    static let folder = "osiris_unittest_cases"
    /// Longest run of all of them, unless the function's own limit is longer.
    static let timeoutMilliseconds = 60_000

    static var file: SourceTree.File {
        .init(path: "osiris_unittest.py", executable: false, bytes: Array(source.utf8))
    }

    /// Answers a list of `{"name", "passed", "seconds", "text"}`.
    private static let source = #"""
        """Runs the unit tests of an Osiris function, beside its code."""
        import time, unittest

        class Results(unittest.TestResult):
            def __init__(self):
                super().__init__()
                self.rows = {}

            def startTest(self, test):
                super().startTest(test)
                self.rows[test.id()] = {"name": test.id(), "passed": True, "text": "", "seconds": time.monotonic()}

            def stopTest(self, test):
                row = self.rows[test.id()]
                row["seconds"] = time.monotonic() - row["seconds"]

            def fail(self, test, text):
                # A module that cannot be imported has no test that was started.
                row = self.rows.setdefault(test.id(), {"name": test.id(), "seconds": 0, "text": ""})
                row["passed"] = False
                row["text"] += text.strip() + "\n"

            def addError(self, test, error):
                self.fail(test, self._exc_info_to_string(error, test))

            def addSubTest(self, test, part, error):
                if error is not None:
                    self.fail(test, "%s\n%s" % (part, self._exc_info_to_string(error, part)))

            def addUnexpectedSuccess(self, test):
                self.fail(test, "It was expected to fail, and passed.")

            addFailure = addError

        def run():
            results = Results()
            unittest.defaultTestLoader.discover("osiris_unittest_cases").run(results)
            return list(results.rows.values())
        """# + "\n"
}
