import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// `osiris functions test`: the built programs, real instances, gone afterwards.
struct FunctionsTestTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: tested}
            spec:
              variables: {key: {type: string, secret: true, default: hunter2}}
              functions:
                - {name: price, namespace: shop, runtime: python3, source: price, handler: price.handle,
                   env: {TAX: "10"}, limits: {timeout: 5s}}
                - {name: vault, runtime: python3, source: vault, handler: vault.handle, secrets: {KEY: "${var.key}"}}
                - {name: plain, runtime: command, command: [cat]}
              targets: [{name: here, provider: local}]

            """, to: "cluster.yaml")
        try scratch.write(
            """
            import json, os, time
            import upstream

            def handle(item, wait=0):
                time.sleep(wait)
                known = json.load(open("prices.json"))
                if item not in known:
                    raise KeyError(item)
                return {"item": item, "price": known[item] + int(os.environ["TAX"]), "from": upstream.NAME}

            """, to: "price/price.py")
        try scratch.write("NAME = 'the real one'\n", to: "price/upstream.py")
        try scratch.write("{\"tea\": 1}\n", to: "price/prices.json")
        try scratch.write("import os\ndef handle(x=0):\n    return os.environ['KEY']\n", to: "vault/vault.py")
    }

    @Test func casesPassWithEnvironmentAndMockData() async throws {
        try scratch.write(
            """
            - {name: as deployed, input: {item: tea}, expect: {price: 11, from: the real one}}
            - {name: other tax, input: {item: tea}, env: {TAX: "20"}, expect: {price: 21}}
            - {name: mock data, inputFile: data/cup.json, mock: offline, expectFile: data/answer.json}
            - {name: unknown, input: {item: gold}, error: {code: function_error, contains: gold}}
            - {name: too slow, input: {item: tea, wait: 60}, status: 504, error: {code: timeout}, within: 10m}

            """, to: "price/tests/price.yaml")
        try scratch.write(
            #"[{"name": "in JSON", "input": {"item": "tea"}, "status": 200}]"#, to: "price/tests/more.json")
        try scratch.write(#"{"item": "cup"}"#, to: "price/tests/data/cup.json")
        try scratch.write(#"{"price": 17, "from": "a mock"}"#, to: "price/tests/data/answer.json")
        try scratch.write("NAME = 'a mock'\n", to: "price/tests/offline/upstream.py")
        try scratch.write(#"{"cup": 7}"#, to: "price/tests/offline/prices.json")
        try scratch.write(
            """
            import unittest, price
            class T(unittest.TestCase):
                def test_good(self):
                    self.assertEqual(price.handle("tea")["price"], 11)

            """, to: "price/tests/test_price.py")
        let answer = try await Program.run("functions", "test", "--json", "--junit", "r.xml", in: scratch.url)
        #expect(answer.status == 0, "\(answer)")
        let json = try #require(try answer.json as? [String: Any])
        #expect(json["passed"] as? Int == 7 && json["failed"] as? Int == 0)
        let report = try XMLDocument(contentsOf: scratch.url.appendingPathComponent("r.xml"))
        #expect(try report.nodes(forXPath: "//testcase[@classname='shop/price']").count == 7)
        #expect(try report.nodes(forXPath: "//failure").isEmpty)
        // The tests are no part of the function: nothing to plan when they change.
        let before = try await Program.run("plan", in: scratch.url).out
        try scratch.write("[]\n", to: "price/tests/price.yaml")
        #expect(try await Program.run("plan", in: scratch.url).out == before)
    }

    @Test func failuresAreShownWhereTheExpectationStands() async throws {
        try scratch.write(
            """
            - name: wrong
              input: {item: tea}
              expect:
                price: 12
                missing: 1
            - {name: no error, input: {item: tea}, error: {code: function_error}}
            - {name: late, input: {item: tea, wait: 60}, within: 50ms}

            """, to: "price/tests/price.yaml")
        try scratch.write(
            """
            import unittest
            class T(unittest.TestCase):
                def test_bad(self):
                    self.assertEqual(1, 2, "not the same")

            """, to: "price/tests/test_bad.py")
        try scratch.write("[{name: secret, expect: other}]\n", to: "vault/tests/vault.yaml")
        let answer = try await Program.run("functions", "test", "--junit", "r.xml", in: scratch.url)
        #expect(answer.status == 1, "\(answer)")
        for part in [
            "FAIL  shop/price  wrong", "price/tests/price.yaml:4:12: expect.price: expected 12, came 11",
            "price/tests/price.yaml:5:14: expect.missing: expected 1, came nothing",
            "price/tests/price.yaml:6:47: expected an error, came 200",
            "price/tests/price.yaml:7:54: it did not answer within 50 ms", "FAIL  shop/price  test_bad.T.test_bad",
            "not the same", "vault/tests/vault.yaml:1:25: expect: expected \"other\"",
            "0 passed, 5 failed, in 2 functions",
        ] {
            #expect(answer.out.contains(part), "\(part) is not in \(answer)")
        }
        #expect(!answer.description.contains("hunter2"))
        let report = try XMLDocument(contentsOf: scratch.url.appendingPathComponent("r.xml"))
        #expect(try report.nodes(forXPath: "//testcase[failure]").count == 5)
        let one = try await Program.run("functions", "test", "shop/price", "--filter", "no error", in: scratch.url)
        #expect(one.status == 1 && one.out.contains("0 passed, 1 failed, in 1 function"))
    }

    @Test func faultsInTheCasesAreShownAndNothingIsRun() async throws {
        try scratch.write(
            """
            - {name: a, inptu: {}}
            - {name: b, input: 1, body: x}
            - {name: c, path: items}
            - {name: d, inputFile: none.json}

            """, to: "price/tests/price.yaml")
        let answer = try await Program.run("functions", "test", in: scratch.url)
        #expect(answer.status == 3, "\(answer)")
        for part in [
            "did you mean `input`?", "both `input` and `body`", "must begin with `/`", "none.json",
            "price/tests/price.yaml:1:13",
        ] {
            #expect(answer.err.contains(part), "\(part) is not in \(answer)")
        }
        let unknown = try await Program.run("functions", "test", "shop/nothing", in: scratch.url)
        #expect(unknown.status == 1 && unknown.err.contains("no function `shop/nothing`"))
        let none = try await Program.run("functions", "test", "default/plain", in: scratch.url)
        #expect(none.status == 0 && none.out.contains("no tests"))
        try scratch.write("[{name: a, status: 200}]\n", to: "price/tests/price.yaml")
        let missed = try await Program.run("functions", "test", "--filter", "zebra", in: scratch.url)
        #expect(missed.status == 1 && missed.err.contains("no test has `zebra` in its name"), "\(missed)")
    }

    @Test func aFunctionThatDoesNotStartFailsItsCases() async throws {
        try scratch.write("[{name: one}]\n", to: "vault/tests/vault.yaml")
        try scratch.write("raise OSError('no disk')\n", to: "vault/vault.py")
        let answer = try await Program.run("functions", "test", in: scratch.url)
        #expect(answer.status == 1 && answer.out.contains("no disk"), "\(answer)")
    }

    @Test func theHubEndsWithTheCommand() async throws {
        try scratch.write(
            "import time\ndef handle(x=0):\n    time.sleep(600)\n", to: "vault/vault.py")
        try scratch.write("[{name: slow, within: 10m}]\n", to: "vault/tests/vault.yaml")
        try scratch.edit("cluster.yaml", "secrets: {KEY: \"${var.key}\"}", "limits: {timeout: 1h}")
        let running = try Program.Running(["functions", "test"], in: scratch.url)
        let command = running.process.processIdentifier
        #expect(await eventually { Self.hub(of: command) != nil })
        let pid = try #require(Self.hub(of: command), "\(running.output())")
        kill(command, SIGKILL)
        _ = try await running.wait()
        #expect(await eventually { !isAlive(pid) })
    }

    /// The hub is a child of the command.
    private static func hub(of command: Int32) -> Int32? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.first { pid in
            guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let end = stat.lastIndex(of: ")"), stat[end...].split(separator: " ")[2] == String(command),
                let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
            else { return false }
            return line.contains("osiris-hub")
        }
    }
}
