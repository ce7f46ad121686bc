import Foundation
import OsirisTransport
import Testing

/// Certificates from the first apply to the last, with the built programs and other people's clients.
@Suite(.serialized)
struct TLSTests {
    @Test func applyCallAndNoKeyAnywhere() async throws {
        try await TLSCluster.with { cluster in
            let plan = try await cluster.osiris("plan")
            #expect(plan.out.contains("cluster/authority.quickstart"), "\(plan)")
            let applied = try await cluster.apply()
            try #require(applied.status == 0, "\(applied)")
            try await cluster.expectNothingToDo()
            #expect(try await cluster.osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hi world\"}\n")

            // The example of `osiris hub ca --help`.
            let authority = try await cluster.osiris("hub", "ca")
            #expect(authority.status == 0 && authority.out.hasPrefix("-----BEGIN CERTIFICATE-----"))
            try cluster.scratch.write(authority.out, to: "ca.pem")
            let url = "https://127.0.0.1:\(cluster.port)/healthz"
            #expect(try await cluster.tool("curl", "-sS", "--noproxy", "*", "--cacert", "ca.pem", url).out == "OK")
            #expect(try await cluster.tool("curl", "-sS", "--noproxy", "*", url).status == 60)
            let local = "https://localhost:\(cluster.port)/healthz"
            #expect(try await cluster.tool("curl", "-sS", "--noproxy", "*", "--cacert", "ca.pem", local).out == "OK")

            let end = try cluster.installed.notAfter.formatted(.iso8601)
            let info = try await cluster.osiris("hub", "info")
            #expect(info.out.contains(end) && info.out.contains("https://127.0.0.1:\(cluster.port)"), "\(info)")
            let shown = try await cluster.osiris("state", "show", "here/hub.here")
            #expect(shown.out.contains("certificateExpires:") && shown.out.contains(end), "\(shown)")

            // The authority's key is sealed in the state and nowhere else; the hub's is in its file alone.
            let key = try await cluster.authority().identity.key.pem.split(separator: "\n")[1]
            let own = try PrivateKey(pem: cluster.scratch.read(".osiris/hubs/here/tls.pem")).pem.split(separator: "\n")[
                1]
            let exported = try await cluster.osiris("state", "export")
            let details = try await cluster.osiris("state", "show", "cluster/authority.quickstart")
            let saved = try await cluster.osiris("plan", "--destroy", "--out", "saved.plan", "--verbose")
            for text in [plan, applied, info, shown, exported, details, saved].map(\.description) {
                #expect(!text.contains(key) && !text.contains(own) && !text.contains("PRIVATE KEY"))
            }
            for file in cluster.scratch.files() {
                let bytes = try Data(contentsOf: cluster.scratch.url.appendingPathComponent(file))
                #expect(bytes.range(of: Data(key.utf8)) == nil, "\(file) holds the authority's key")
                let isItsOwn = file == ".osiris/hubs/here/tls.pem"
                #expect((bytes.range(of: Data(own.utf8)) != nil) == isItsOwn, "\(file)")
            }
            #expect(try await cluster.osiris("destroy", "--auto-approve").status == 0)
            let left = cluster.scratch.files().filter { $0.hasPrefix(".osiris") }
            #expect(left == [".osiris/hubs/.fence-here", ".osiris/state.db"])
        }
    }

    @Test func theEndIsAnnouncedThenPutOffWithoutLosingACall() async throws {
        try await TLSCluster.with { cluster in
            try #require(try await cluster.apply().status == 0)
            try await cluster.age(days: 50)
            let warned = try await cluster.osiris("plan", "--detailed-exitcode")
            #expect(warned.status == 0 && warned.out.contains("OSR0313"), "\(warned)")
            #expect(warned.out.contains("expires in 39 days"), "\(warned)")

            try await cluster.age(days: 65)
            let changes = try await cluster.changes()
            #expect(changes.keys.sorted() == ["here/hub.here"])
            #expect(changes["here/hub.here"]?.reason == "rotate certificate: expires in 24 days", "\(changes)")
            let pid = try cluster.hubPid()
            let (token, authority) = (
                try await cluster.osiris("hub", "token").out, try await cluster.osiris("hub", "ca").out
            )
            try cluster.scratch.write(token.trimmingCharacters(in: .newlines), to: "token")
            try cluster.scratch.write(authority, to: "ca.pem")
            // 200 calls a second, half of them on new connections, until the apply is over.
            let script = """
                import http.client, ssl, sys, threading, time, os
                port, token = int(sys.argv[1]), open("token").read()
                context = ssl.create_default_context(cafile="ca.pem")
                results, lock, stop = [], threading.Lock(), threading.Event()
                def caller(number):
                    connection, turn = None, 0
                    while not stop.is_set():
                        began = time.time(); turn += 1
                        try:
                            if connection is None or (number % 2 and turn % 5 == 0):
                                if connection: connection.close()
                                connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
                            connection.request("POST", "/function/demo/echo", "{}", {"Authorization": "Bearer " + token})
                            answer = connection.getresponse(); body = answer.read()
                            good = answer.status == 200 and body.strip() == b"{}"
                            error = "%d %r" % (answer.status, body)
                        except Exception as failed: good, error, connection = False, repr(failed), None
                        with lock: results.append(None if good else error)
                        stop.wait(max(0, 0.05 - (time.time() - began)))
                threads = [threading.Thread(target=caller, args=(n,)) for n in range(10)]
                for thread in threads: thread.start()
                while len(results) < 100: time.sleep(0.01)
                open("calling", "w").close()
                while not os.path.exists("stop"): time.sleep(0.05)
                stop.set()
                for thread in threads: thread.join()
                failed = [error for error in results if error]
                print(len(results), len(failed), failed[:3])
                """
            async let calls = cluster.tool("python3", "-c", script, "\(cluster.port)")
            let calling = cluster.scratch.url.path + "/calling"
            #expect(await eventually { FileManager.default.fileExists(atPath: calling) })
            let applied = try await cluster.apply()
            #expect(applied.status == 0, "\(applied)")
            let new = try cluster.installed.fingerprint
            #expect(try await cluster.shown() == new)
            try cluster.scratch.write("", to: "stop")
            let answer = try await calls
            let words = answer.out.split(separator: " ")
            #expect(words.count > 1 && Int(words[0]) ?? 0 > 100 && words[1] == "0", "\(answer)")
            #expect(try cluster.hubPid() == pid)
            try await cluster.expectNothingToDo()
        }
    }

    @Test func anExpiredCertificateLocksNobodyOut() async throws {
        try await TLSCluster.with { cluster in
            try #require(try await cluster.apply().status == 0)
            try await cluster.age(days: 95)
            let called = try await cluster.osiris("functions", "call", "demo/hello")
            #expect(called.status == 1 && called.err.contains("OSR0609"), "\(called)")
            let info = try await cluster.osiris("hub", "info")
            #expect(info.status == 0 && info.out.contains(" no "), "\(info)")
            let changes = try await cluster.changes()
            #expect(changes.keys.sorted() == ["here/hub.here"])
            #expect(changes["here/hub.here"]?.reason == "rotate certificate: expired 5 days ago", "\(changes)")
            let pid = try cluster.hubPid()
            let applied = try await cluster.apply()
            #expect(applied.status == 0, "\(applied)")
            #expect(try cluster.hubPid() == pid)
            try await cluster.expectNothingToDo()
            #expect(try await cluster.osiris("functions", "call", "demo/hello").status == 0)
        }
    }

    @Test func anotherAuthorityTakesOver() async throws {
        try await TLSCluster.with { cluster in
            try #require(try await cluster.apply().status == 0)
            let (pid, first) = (try cluster.hubPid(), try cluster.installed)
            let old = try await cluster.osiris("hub", "ca").out
            #expect(try await cluster.osiris("hub", "rotate-ca").out.contains("another authority"))
            let changes = try await cluster.changes()
            #expect(
                changes["cluster/authority.quickstart"]?.reason.contains("osiris hub rotate-ca") == true, "\(changes)")
            #expect(changes["here/hub.here"]?.reason.contains("follows cluster/authority.quickstart") == true)
            #expect(changes.count == 2)
            #expect(try await cluster.apply().status == 0)
            try await cluster.expectNothingToDo()
            #expect(try cluster.installed == first)
            let both = try Certificate.all(in: try await cluster.osiris("hub", "ca").out)
            #expect(both.count == 2 && both[0].pem == old)
            #expect(try await cluster.osiris("hub", "rotate-ca", "--json").out == "{\"step\":2}\n")
            #expect(try await cluster.apply().status == 0)
            try await cluster.expectNothingToDo()
            #expect(try cluster.installed.isSigned(by: both[1]) && cluster.hubPid() == pid)
            #expect(try await cluster.osiris("hub", "ca").out == both[1].pem)
            #expect(try await cluster.osiris("functions", "call", "demo/hello").status == 0)
        }
    }

    @Test func aLostStateComesBackWithItsAuthority() async throws {
        try await TLSCluster.with { cluster in
            try #require(try await cluster.apply().status == 0)
            // In the middle of a rotation: there are two.
            #expect(try await cluster.osiris("hub", "rotate-ca").status == 0)
            #expect(try await cluster.apply().status == 0)
            let (pid, authorities) = (try cluster.hubPid(), try await cluster.osiris("hub", "ca").out)
            let before = try await cluster.exported()
            try FileManager.default.removeItem(at: cluster.scratch.url.appendingPathComponent(".osiris/state.db"))
            let rebuilt = try await cluster.osiris("state", "rebuild", "--auto-approve")
            #expect(rebuilt.status == 0 && rebuilt.err.isEmpty, "\(rebuilt)")
            try await cluster.expectNothingToDo()
            let after = try await cluster.exported()
            #expect(after == before, "\(after.difference(from: before))")
            #expect(try await cluster.osiris("hub", "ca").out == authorities)
            #expect(try !cluster.scratch.read(".osiris/hubs/here/hub.json").contains("PRIVATE KEY"))
            // The rotation goes on where it was.
            #expect(try await cluster.osiris("hub", "rotate-ca", "--json").out == "{\"step\":2}\n")
            #expect(try await cluster.apply().status == 0)
            #expect(try cluster.hubPid() == pid)
        }
    }

    /// The mark of a hub of an earlier osiris, which did not keep it.
    @Test func anAuthorityThatWasLeftNowhereIsMadeAnew() async throws {
        try await TLSCluster.with { cluster in
            try #require(try await cluster.apply().status == 0)
            let (pid, token) = (try cluster.hubPid(), try await cluster.osiris("hub", "token").out)
            let file = ".osiris/hubs/here/hub.json"
            var told = try #require(
                try JSONSerialization.jsonObject(with: Data(cluster.scratch.read(file).utf8)) as? [String: Any])
            var mark = try #require(told["osiris"] as? [String: Any])
            #expect(mark.removeValue(forKey: "sealedAuthorityKey") != nil)
            told["osiris"] = mark
            try JSONSerialization.data(withJSONObject: told).write(to: cluster.scratch.url.appendingPathComponent(file))
            try FileManager.default.removeItem(at: cluster.scratch.url.appendingPathComponent(".osiris/state.db"))
            let rebuilt = try await cluster.osiris("state", "rebuild", "--auto-approve")
            #expect(rebuilt.status == 0 && rebuilt.err.isEmpty, "\(rebuilt)")
            // The functions were listed over TLS.
            #expect(try await cluster.osiris("state", "list").out.contains("here/function.here.demo.hello"))
            let changes = try await cluster.changes()
            #expect(changes["cluster/authority.quickstart"]?.action == "create", "\(changes)")
            #expect(changes["here/hub.here"]?.reason.contains("follows cluster/authority.quickstart") == true)
            #expect(changes.count == 2)
            let applied = try await cluster.apply()
            #expect(applied.status == 0, "\(applied)")
            try await cluster.expectNothingToDo()
            #expect(try cluster.hubPid() == pid)
            #expect(try await cluster.osiris("hub", "token").out == token)
            #expect(try await cluster.osiris("functions", "call", "demo/hello").status == 0)
        }
    }

    @Test func aNewKeyOfTheStateLeavesTheAuthorityAsItIs() async throws {
        try await TLSCluster.with { cluster in
            try #require(try await cluster.apply().status == 0)
            let (pid, old) = (try cluster.hubPid(), try await cluster.osiris("hub", "ca").out)
            #expect(try await cluster.osiris("state", "rotate-key", "--json").out == "{\"resealed\":2}\n")
            #expect(try await cluster.apply().status == 0)
            try await cluster.expectNothingToDo()
            #expect(try await cluster.osiris("hub", "ca").out == old)
            #expect(try cluster.hubPid() == pid)
        }
    }

    @Test func whoSitsOnThePortOfADeadHubGetsNoToken() async throws {
        try await TLSCluster.with { cluster in
            try #require(try await cluster.apply().status == 0)
            let pid = try cluster.hubPid()
            kill(pid, SIGKILL)
            #expect(await eventually { !isAlive(pid) })
            let stranger = try CertificateAuthority.make(named: "x", now: Date())
                .issue(subject: "x", names: ["127.0.0.1"], now: Date())
            try cluster.scratch.write(stranger.key.pem + stranger.certificate.pem, to: "stranger.pem")
            let script = """
                import http.server, os, ssl, sys
                class Handler(http.server.BaseHTTPRequestHandler):
                    def log_message(self, *words): pass
                    def do_any(self):
                        open("heard", "a").write(self.requestline + str(self.headers))
                        self.send_response(200); self.end_headers()
                    do_GET = do_POST = do_PUT = do_any
                class Server(http.server.ThreadingHTTPServer):
                    def handle_error(self, *words): pass
                server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("stranger.pem")
                server.socket = context.wrap_socket(server.socket, server_side=True)
                open("listens", "w").write(str(os.getpid()))
                server.serve_forever()
                """
            async let served = cluster.tool("python3", "-c", script, "\(cluster.port)")
            let listens = cluster.scratch.url.path + "/listens"
            #expect(await eventually { (try? String(contentsOfFile: listens, encoding: .utf8))?.isEmpty == false })
            let called = try await cluster.osiris("functions", "call", "demo/hello")
            #expect(called.status == 1 && called.err.contains("OSR0607"), "\(called)")
            _ = try await cluster.osiris("hub", "info")
            _ = try await cluster.osiris("plan")
            let server = try #require(Int32(try cluster.scratch.read("listens")))
            kill(server, SIGKILL)
            _ = try await served
            #expect(!cluster.scratch.files().contains("heard"), "the stranger was told something")
            #expect(try await cluster.apply().status == 0)
        }
    }

    /// Killed at many moments of a creation and of a rotation; the next apply finishes, and the one after has nothing to do.
    @Test func killedAnywhereTheNextApplyFinishes() async throws {
        var random = SystemRandomNumberGenerator()
        try await TLSCluster.with { cluster in
            for round in 0..<6 {
                // Creation first, then rotations.
                if round > 0 { try await cluster.age(days: 65) }
                let pause = UInt32.random(in: 0...1_500_000, using: &random)
                let run = try Program.Running(["apply", "--auto-approve"], in: cluster.scratch.url)
                let pid = run.process.processIdentifier
                await withCheckedContinuation { continuation in
                    Thread.detachNewThread {
                        usleep(pause)
                        kill(pid, SIGKILL)
                        continuation.resume()
                    }
                }
                _ = try await run.wait()
                let applied = try await cluster.apply()
                #expect(applied.status == 0, "round \(round), killed after \(pause) µs: \(applied)")
                let plan = try await cluster.osiris("plan", "--detailed-exitcode")
                #expect(plan.status == 0, "round \(round), killed after \(pause) µs: \(plan)")
                #expect(try cluster.installed.notAfter > Date() + 80 * 86400)
            }
            #expect(try await cluster.osiris("functions", "call", "demo/hello").status == 0)
        }
    }
}
