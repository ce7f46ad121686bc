import Foundation
import Logging
import Testing

@testable import OsirisHub

/// The hub's listener with TLS, asked by curl, by Python and by `openssl`.
@Suite struct TLSTests {
    /// Runs a test with a hub that shows the certificate `one`.
    private func with(
        _ names: (String, String), _ test: (TestHub, TestCertificates) async throws -> Void
    ) async throws {
        let certificates = try await TestCertificates(names.0, names.1)
        let folder = try TestHub.makeFolder(tls: true)
        defer {
            certificates.remove()
            try? FileManager.default.removeItem(atPath: folder)
        }
        try certificates.install(names.0, in: folder)
        try await TestHub.with(folder: folder) { try await test($0, certificates) }
    }

    private func url(_ hub: TestHub, _ path: String) -> String { "https://127.0.0.1:\(hub.client.port)\(path)" }

    @Test func curlAndPythonAreAnswered() async throws {
        try await with(("one", "two")) { hub, certificates in
            let health = try await certificates.curl("one", url(hub, "/healthz"))
            #expect(health.status == 0 && health.out == "OK", "\(health)")
            let deployed = try await certificates.curl(
                "one", url(hub, "/system/functions"), "-X", "PUT", "-d",
                TestFunction.python("echo", "def handle(event): return event").body)
            #expect(deployed.status == 0, "\(deployed)")
            // A body of a megabyte goes both ways.
            let script = """
                import json, ssl, sys, time, urllib.request
                context = ssl.create_default_context(cafile="one.ca.pem")
                body = json.dumps("x" * 1000000).encode()
                for attempt in range(200):
                    request = urllib.request.Request(sys.argv[1], body, {"Authorization": "Bearer admin"})
                    try:
                        with urllib.request.urlopen(request, context=context) as answer: same = answer.read() == body
                        print(same); break
                    except urllib.error.HTTPError as error:
                        if error.code not in (404, 503): raise
                        time.sleep(0.1)
                """
            let python = try await certificates.run("python3", "-c", script, url(hub, "/function/demo/echo"))
            #expect(python.out == "True\n", "\(python)")
        }
    }

    @Test func whoIsNotTrustedOrTooOldIsRefused() async throws {
        try await with(("one", "two")) { hub, certificates in
            let other = try await certificates.curl("two", url(hub, "/healthz"))
            #expect(other.status == 60 && other.out.isEmpty, "\(other)")
            let name = try await certificates.curl("one", "https://localhost:\(hub.client.port)/healthz")
            #expect(name.status == 60, "\(name)")
            let plain = try await certificates.curl("one", "http://127.0.0.1:\(hub.client.port)/healthz")
            #expect(plain.status != 0 && plain.out.isEmpty, "\(plain)")
            func handshake(_ version: String) async throws -> Bool {
                let script = """
                    openssl s_client -connect 127.0.0.1:\(hub.client.port) -cipher DEFAULT@SECLEVEL=0 \(version) \
                        -CAfile one.ca.pem -verify_return_error </dev/null
                    """
                return try await certificates.run("sh", "-c", script).status == 0
            }
            #expect(try await handshake("-tls1_2"))
            #expect(try await handshake("-tls1_3"))
            #expect(try await !handshake("-tls1_1"))
            #expect(try await !handshake("-tls1"))
            // The hub is none the worse for it.
            #expect(try await certificates.curl("one", url(hub, "/healthz")).out == "OK")
        }
    }

    /// One connection that stays open over the change, and new ones.
    @Test func aNewCertificateIsShownWithoutEndingAConnection() async throws {
        try await with(("one", "two")) { hub, certificates in
            let script = """
                import http.client, json, os, ssl, sys, time
                port = int(sys.argv[1])
                def fingerprint(connection): return connection.sock.getpeercert(binary_form=True)
                def connect(name):
                    context = ssl.create_default_context(cafile=name + ".ca.pem")
                    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
                    connection.connect()
                    return connection
                def info(connection):
                    connection.request("GET", "/system/info", headers={"Authorization": "Bearer admin"})
                    return json.loads(connection.getresponse().read())["certificate"]["fingerprint"]
                kept = connect("one")
                before = info(kept)
                open("connected", "w").close()
                # It is taken up when /system/info says so, on this very connection.
                deadline = time.time() + 20
                while info(kept) == before and time.time() < deadline: time.sleep(0.05)
                after = info(kept)
                new = connect("two")
                assert fingerprint(new) != fingerprint(kept) and info(new) == after != before
                try: connect("one"); sys.exit("the old certificate is still shown")
                except ssl.SSLCertVerificationError: pass
                assert info(kept) == after
                print("ok")
                """
            async let python = certificates.run("python3", "-c", script, "\(hub.client.port)")
            try await eventually("Python is connected") {
                FileManager.default.fileExists(atPath: certificates.folder + "/connected")
            }
            try certificates.install("two", in: hub.folder)
            let answer = try await python
            #expect(answer.out == "ok\n", "\(answer)")
        }
    }

    @Test func aFileThatIsNoCertificateIsPassedOver() async throws {
        let certificates = try await TestCertificates("one", "two")
        defer { certificates.remove() }
        try TestCertificates.install(certificates.bytes("one"), in: certificates.folder)
        let shown = try ServerCertificate(file: certificates.folder + "/tls.pem")
        let first = shown.present.fingerprint
        let (lines, said) = AsyncStream.makeStream(of: String.self)
        let logger = Logger(label: "test") { _ in LineLog(said: said) }
        let watch = Task { try await shown.watch(logger) }
        defer { watch.cancel() }
        var heard = lines.makeAsyncIterator()
        let (one, two) = (try certificates.bytes("one"), try certificates.bytes("two"))
        // Nothing, no PEM, half a file, the key of the one and the certificate of the other.
        for bad in [Data(), Data("nonsense".utf8), two.prefix(two.count / 2), Self.key(one) + Self.certificate(two)] {
            try TestCertificates.install(bad, in: certificates.folder)
            #expect(await heard.next()?.hasPrefix("The hub keeps its certificate") == true)
            #expect(shown.present.fingerprint == first)
        }
        try TestCertificates.install(two, in: certificates.folder, mode: 0o644)
        #expect(await heard.next()?.contains("is open to other users") == true)
        #expect(shown.present.fingerprint == first)
        try TestCertificates.install(two, in: certificates.folder)
        #expect(await heard.next() == "The hub shows a new certificate")
        #expect(shown.present.fingerprint != first)
    }

    private static func key(_ file: Data) -> Data { parts(file)[0] }
    private static func certificate(_ file: Data) -> Data { parts(file)[1] }
    private static func parts(_ file: Data) -> [Data] {
        let text = String(decoding: file, as: UTF8.self)
        let middle = text.range(of: "-----BEGIN CERTIFICATE-----")?.lowerBound ?? text.endIndex
        return [Data(text[..<middle].utf8), Data(text[middle...].utf8)]
    }

    @Test func theEndIsTold() async throws {
        try await with(("one", "two")) { hub, certificates in
            let info = try await certificates.curl("one", url(hub, "/system/info")).out
            let end = try await certificates.run(
                "openssl", "x509", "-in", "one.pem", "-noout", "-enddate", "-dateopt", "iso_8601"
            ).out.dropFirst("notAfter=".count).replacingOccurrences(of: " ", with: "T").prefix(20)
            #expect(info.contains("\"expires\":\"\(end)\""), "\(info) \(end)")
            let metrics = try await certificates.curl("one", url(hub, "/metrics")).out
            let line = metrics.split(separator: "\n").first { $0.hasPrefix("osiris_certificate_expiry_seconds ") }
            let seconds = try #require(line?.split(separator: " ").last.flatMap { Double($0) })
            #expect(abs(seconds - 5 * 86400) < 3600)
        }
        try await TestHub.with { hub in
            let metrics = try await hub.client.send("GET", "/metrics").text
            #expect(!metrics.contains("osiris_certificate"))
            #expect(try await hub.client.send("GET", "/system/info").json["certificate"] == nil)
        }
    }

    @Test func aHubThatCannotShowACertificateDoesNotStart() async throws {
        let certificates = try await TestCertificates("one")
        let folder = try TestHub.makeFolder(tls: true)
        defer {
            certificates.remove()
            try? FileManager.default.removeItem(atPath: folder)
        }
        func expectFailure(_ reason: String) async throws {
            let program = try await RunningProgram.launch(["serve", "--data", folder])
            try await program.waitForError(reason)
            #expect(await program.status() == .code(1))
        }
        try await expectFailure("tls.pem is missing")
        try TestCertificates.install(Data("nonsense".utf8), in: folder)
        try await expectFailure("does not hold a private key and its certificate")
        try certificates.install("one", in: folder, mode: 0o640)
        try await expectFailure("is open to other users")
    }
}

/// Hands on what is logged.
private struct LineLog: LogHandler {
    let said: AsyncStream<String>.Continuation
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { said.yield("\(event.message)") }
}
