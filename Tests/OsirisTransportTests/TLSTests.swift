import Foundation
import OsirisModel
import Testing

@testable import OsirisTransport

@Suite struct TLSTests {
    let client = HTTPClient()

    func error(_ url: String, _ files: TLSFiles?) async -> HTTPError? {
        await #expect(throws: HTTPError.self) { _ = try await client.send(HTTPRequest("GET", url, tls: files)) }
    }

    func connections(_ url: String, _ files: TLSFiles) async throws -> Int? {
        Int(String(decoding: try await client.send(HTTPRequest("GET", url, tls: files)).body, as: UTF8.self))
    }

    @Test func onlyTheOwnAuthorityIsTrusted() async throws {
        let server = try await TLSServer()
        #expect(try await client.send(HTTPRequest("GET", server.base, tls: server.files("ca"))).status == 200)
        for files in [nil, server.files(nil), server.files("other"), server.files("none")] {
            let refused = await error(server.base, files)
            #expect(refused?.kind == .tls && refused?.sent == false)
        }
        // A connection that was opened with trust in one authority is not lent to a request that trusts another.
        #expect(try await client.send(HTTPRequest("GET", server.base, tls: server.files("ca"))).status == 200)
        #expect(await error(server.base, server.files("other"))?.kind == .tls)
    }

    /// The authority as text, and what is wrong with a certificate told apart.
    @Test func faultsOfACertificateAreToldApart() async throws {
        let server = try await TLSServer()
        func text(_ name: String) throws -> TLSFiles {
            TLSFiles(authorityText: try String(contentsOfFile: "\(server.folder)/\(name).pem", encoding: .utf8))
        }
        #expect(try await client.send(HTTPRequest("GET", server.base, tls: text("ca"))).status == 200)
        // A connection that was opened with trust in one authority is not lent to a request that trusts another.
        #expect(await error(server.base, try text("other"))?.certificate == .untrusted)
        #expect(await error(server.base, nil)?.certificate == .untrusted)
        let byName = server.base.replacingOccurrences(of: "127.0.0.1", with: "localhost")
        #expect(await error(byName, try text("ca"))?.certificate == .otherName)
        let garbage = await error(server.base, TLSFiles(authorityText: "no certificate"))
        #expect(garbage?.kind == .tls && garbage?.sent == false)
        #expect(await error("https://127.0.0.1:1/", try text("ca"))?.certificate == nil)
    }

    @Test(arguments: [false, true])
    func aServerMayWantACertificate(upToTLS12: Bool) async throws {
        let server = try await TLSServer(upToTLS12: upToTLS12)
        let right = server.files("ca", client: "client")
        #expect(try await client.send(HTTPRequest("GET", server.strictBase, tls: right)).status == 200)
        for files in [
            server.files("ca"), server.files("ca", client: "stranger"), server.files("ca", client: "none"),
            server.files("other", client: "client"),
        ] {
            let refused = await error(server.strictBase, files)
            #expect(refused?.kind == .tls && refused?.sent == false, "\(String(describing: refused))")
        }
    }

    @Test func connectionsAreKept() async throws {
        let server = try await TLSServer()
        let files = server.files("ca", client: "client")
        let first = try await connections(server.strictBase, files)
        for _ in 0..<20 { #expect(try await connections(server.strictBase, files) == first) }
    }
}

@Suite struct AWSSigningTests {
    let signing = AWSSigning(
        accessKey: "AKIDEXAMPLE", secretKey: "CANARY-secret", sessionToken: "a-token", region: "eu-central-1",
        service: "s3")

    /// The signature, made again by the rules of
    /// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html from what arrived.
    @Test func theSignatureIsAmazons() async throws {
        let server = try await TestServer()
        let body = Array("hello".utf8)
        let query = "list-type=2&prefix=a%2Fb"
        let response = try await HTTPClient().send(
            HTTPRequest(
                "PUT", "\(server.base)/echo?\(query)",
                headers: [HTTPHeader("Content-Type", "text/plain"), HTTPHeader("If-None-Match", "*")], body: body,
                signing: signing))
        let echo = try Value(plainJSON: response.body).mapValue
        var headers: [String: String] = [:]
        for header in echo?["headers"]?.listValue ?? [] {
            guard let pair = header.listValue, let name = pair[0].stringValue else { continue }
            headers[name] = pair[1].stringValue
        }
        let hash = Digest.hex(Digest.sha256Bytes(body))
        #expect(headers["x-amz-content-sha256"] == hash && headers["x-amz-security-token"] == "a-token")
        let date = try #require(headers["x-amz-date"])
        let names = "content-type;host;if-none-match;x-amz-content-sha256;x-amz-date;x-amz-security-token"
        let lines = names.split(separator: ";").map { "\($0):\(headers[String($0)] ?? "")\n" }.joined()
        let canonical = "PUT\n/echo\n\(query)\n\(lines)\n\(names)\n\(hash)"
        let scope = "\(date.prefix(8))/eu-central-1/s3/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(date)\n\(scope)\n\(Digest.hex(Digest.sha256Bytes(canonical.utf8)))"
        let key = [String(date.prefix(8)), "eu-central-1", "s3", "aws4_request"].reduce(
            Array("AWS4\(signing.secretKey)".utf8)
        ) { Digest.hmacSHA256(key: $0, $1.utf8) }
        let signature = Digest.hex(Digest.hmacSHA256(key: key, text.utf8))
        #expect(
            headers["authorization"]
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\(scope), SignedHeaders=\(names), Signature=\(signature)")
    }

    @Test func keysStayHidden() async throws {
        var text = "\(signing) \(String(reflecting: signing))"
        dump(signing, to: &text)
        let request = HTTPRequest("GET", "http://127.0.0.1:1/", signing: signing)
        dump(request, to: &text)
        let refused = await #expect(throws: HTTPError.self) { _ = try await HTTPClient().send(request) }
        text += String(reflecting: refused)
        #expect(!text.contains("CANARY") && !text.contains("a-token") && !text.contains("AKID"))
    }

    @Test func connectionsAreKept() async throws {
        let server = try await TestServer()
        let client = HTTPClient()
        for _ in 0..<50 {
            let request = HTTPRequest("GET", server.base + "/raw", signing: signing)
            #expect(try await client.send(request).status == 200)
        }
        let stats = try Value(plainJSON: try await client.send(HTTPRequest("GET", server.base + "/stats")).body)
            .mapValue
        #expect(stats?["connections"] == 1)
    }
}
