import Foundation
import OsirisModel
import Testing

@testable import OsirisTransport

/// Certificates as the program `openssl` sees them.
@Suite struct CertificateTests {
    private let folder: URL
    private let now = Date()

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-x509-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Removes the folder after the test.
    private func cleaningUp(_ test: () async throws -> Void) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try await test()
    }

    private func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    /// What it wrote, and whether it ended with 0.
    private func openssl(_ arguments: String...) async throws -> (ok: Bool, text: String) {
        try await openssl(arguments)
    }

    private func openssl(_ arguments: [String]) async throws -> (ok: Bool, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = folder
        let file = folder.appendingPathComponent("out-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        process.standardOutput = try FileHandle(forWritingTo: file)
        process.standardError = process.standardOutput
        let (ends, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = { end.yield($0.terminationStatus) }
        try process.run()
        var iterator = ends.makeAsyncIterator()
        let status = await iterator.next()
        return (status == 0, try String(contentsOf: file, encoding: .utf8))
    }

    @Test func theAuthorityIsOneByRFC5280() async throws {
        try await cleaningUp {
            let authority = try CertificateAuthority.make(named: "edge", now: now)
            try write(authority.identity.certificate.pem, "ca.pem")
            let text = try await openssl("x509", "-in", "ca.pem", "-noout", "-text").text
            for part in [
                "Version: 3", "ecdsa-with-SHA256", "NIST CURVE: P-256", "CA:TRUE, pathlen:0",
                "X509v3 Basic Constraints: critical",
                "X509v3 Key Usage: critical", "Certificate Sign, CRL Sign", "X509v3 Subject Key Identifier",
                "O = osiris, CN = edge CA ",
            ] {
                #expect(text.contains(part), "\(part) is not in \(text)")
            }
            #expect(!text.contains("Digital Signature"))
            let years = authority.identity.certificate.notAfter.timeIntervalSince(now) / 86400
            #expect(abs(years - 3650) < 1)
        }
    }

    @Test func aServersCertificateIsVerified() async throws {
        try await cleaningUp {
            let authority = try CertificateAuthority.make(named: "edge", now: now)
            let other = try CertificateAuthority.make(named: "edge", now: now)
            let server = try authority.issue(
                subject: "here/hub.here", names: ["127.0.0.1", "::1", "localhost"], now: now)
            for (name, text) in [
                ("ca.pem", authority.identity.certificate.pem), ("other.pem", other.identity.certificate.pem),
                ("leaf.pem", server.certificate.pem), ("leaf.key", server.key.pem),
                ("both.pem", other.identity.certificate.pem + authority.identity.certificate.pem),
            ] {
                try write(text, name)
            }
            func verify(_ authority: String, _ more: String...) async throws -> (ok: Bool, text: String) {
                let words = ["verify", "-x509_strict", "-purpose", "sslserver", "-no-CApath", "-CAfile", authority]
                return try await openssl(words + more + ["leaf.pem"])
            }
            for more in [["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"], ["-verify_hostname", "localhost"]] {
                let answer = try await verify("ca.pem", more[0], more[1])
                #expect(answer.ok, "\(more): \(answer.text)")
                // During a rotation callers trust two authorities of one cluster.
                #expect(try await verify("both.pem", more[0], more[1]).ok)
            }
            #expect(try await !verify("ca.pem", "-verify_ip", "127.0.0.2").ok)
            #expect(try await !verify("ca.pem", "-verify_hostname", "example.org").ok)
            #expect(try await !verify("other.pem").ok)
            let text = try await openssl("x509", "-in", "leaf.pem", "-noout", "-text").text
            for part in [
                "CA:FALSE", "TLS Web Server Authentication", "Digital Signature", "X509v3 Authority Key Identifier",
                "IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:localhost",
            ] {
                #expect(text.contains(part), "\(part) is not in \(text)")
            }
            // The dates are those openssl reads, and the key is the certificate's.
            let end = try await openssl("x509", "-in", "leaf.pem", "-noout", "-enddate", "-dateopt", "iso_8601").text
            let expected = server.certificate.notAfter.formatted(.iso8601).replacingOccurrences(of: "T", with: " ")
            #expect(end == "notAfter=\(expected)\n")
            #expect(abs(server.certificate.notAfter.timeIntervalSince(now) - 90 * 86400) < 2)
            #expect(abs(server.certificate.notBefore.timeIntervalSince(now) + 300) < 2)
            let keys = try await (
                openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey").text,
                openssl("pkey", "-in", "leaf.key", "-pubout").text
            )
            #expect(keys.0 == keys.1)
            let print = try await openssl("x509", "-in", "leaf.pem", "-noout", "-fingerprint", "-sha256").text
            let hex = print.split(separator: "=").last?.filter(\.isHexDigit).lowercased() ?? ""
            #expect(server.certificate.fingerprint == "sha256:\(hex)")
        }
    }

    @Test func serialsAndKeysAreNeverTheSame() throws {
        let authority = try CertificateAuthority.make(named: "edge", now: now)
        let made = try (0..<20).map { _ in try authority.issue(subject: "s", names: ["localhost"], now: now) }
        #expect(Set(made.map(\.certificate.fingerprint)).count == 20 && Set(made.map(\.key.pem)).count == 20)
    }

    @Test func whoSignedIsTold() throws {
        let (authority, other) = (
            try CertificateAuthority.make(named: "edge", now: now),
            try CertificateAuthority.make(named: "edge", now: now)
        )
        let server = try authority.issue(subject: "s", names: ["127.0.0.1", "hub.example"], now: now)
        let certificate = server.certificate
        #expect(certificate.isSigned(by: authority.identity.certificate))
        #expect(!certificate.isSigned(by: other.identity.certificate) && !certificate.isSigned(by: certificate))
        #expect(certificate.certifies(server.key) && !certificate.certifies(authority.identity.key))
        #expect(certificate.isFor("127.0.0.1") && certificate.isFor("hub.example"))
        #expect(!certificate.isFor("127.0.0.2") && !certificate.isFor("example") && !certificate.isFor(""))
        let all = try Certificate.all(in: "x\n" + authority.identity.certificate.pem + server.key.pem + certificate.pem)
        #expect(all == [authority.identity.certificate, certificate])
    }

    @Test func aCertificateEndsWithItsAuthority() throws {
        let authority = try CertificateAuthority.make(named: "edge", now: now - CertificateAuthority.life + 86400 * 20)
        let server = try authority.issue(subject: "s", names: ["localhost"], now: now)
        #expect(server.certificate.notAfter == authority.identity.certificate.notAfter)
        // Dates from 2050 on have another form in X.509 (RFC 5280 4.1.2.5).
        let late = Date(timeIntervalSince1970: 2_600_000_000)
        #expect(try CertificateAuthority.make(named: "e", now: late).identity.certificate.notBefore == late - 300)
    }

    @Test func whatCannotBeMadeOrReadIsRefused() throws {
        let authority = try CertificateAuthority.make(named: String(repeating: "x", count: 200), now: now)
        for names in [[], [""], ["a,IP:1.2.3.4"], ["a b"], ["*.example"], ["é"]] {
            #expect(throws: CertificateError.self) { try authority.issue(subject: "s", names: names, now: now) }
        }
        let long = try authority.issue(subject: String(repeating: "s", count: 200), names: ["localhost"], now: now)
        #expect(long.certificate.isSigned(by: authority.identity.certificate))
        let pem = long.certificate.pem
        for text in [
            "", "x", pem.replacingOccurrences(of: "CERTIFICATE", with: "KEY"), String(pem.dropLast(120)), long.key.pem,
        ] {
            #expect(throws: CertificateError.malformed("certificate")) { try Certificate(pem: text) }
        }
        let cut = pem.split(separator: "\n")
        let broken = ([cut[0]] + cut.dropFirst(3)).joined(separator: "\n")
        #expect(throws: CertificateError.malformed("certificate")) { try Certificate(pem: broken) }
        #expect(throws: CertificateError.malformed("private key")) { try PrivateKey(pem: pem) }
    }

    @Test func keysStayHidden() throws {
        let identity = try CertificateAuthority.make(named: "edge", now: now).identity
        let secret = identity.key.pem.split(separator: "\n")[1]
        var text = "\(identity) \(String(reflecting: identity)) \(identity.key)"
        dump(identity, to: &text)
        #expect(!text.contains(secret))
    }
}
