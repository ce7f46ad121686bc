import Foundation
import OsirisModel
import OsirisState
import OsirisTransport
import Testing

/// The quickstart with `tls: true` in a folder of its own, and the programs that call its hub.
final class TLSCluster: Sendable {
    let scratch: Scratch
    let port: Int

    init() throws {
        scratch = try Scratch()
        port = try freePort()
        for item in ["cluster.yaml", "functions"] {
            try FileManager.default.copyItem(
                at: Program.root.appendingPathComponent("examples/quickstart/\(item)"),
                to: scratch.url.appendingPathComponent(item))
        }
        try scratch.edit("cluster.yaml", "port: 8080", "port: \(port)\n    tls: true")
    }

    /// Runs a test and leaves no hub behind, however it ends.
    static func with(_ test: (TLSCluster) async throws -> Void) async throws {
        let cluster = try TLSCluster()
        let result: Result<Void, any Error>
        do { result = .success(try await test(cluster)) } catch { result = .failure(error) }
        let end = try await cluster.osiris("destroy", "--auto-approve")
        if end.status != 0, let pid = try? cluster.hubPid() { kill(pid, SIGKILL) }
        try result.get()
    }

    func osiris(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, in: scratch.url).wait()
    }

    func apply() async throws -> Program.Answer { try await osiris("apply", "--auto-approve") }

    func expectNothingToDo() async throws {
        let plan = try await osiris("plan", "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan)")
    }

    /// The changes of a plan: address, action and reason.
    func changes() async throws -> [String: (action: String, reason: String)] {
        let plan = try await osiris("plan", "--json")
        let changes = try #require((try plan.json as? [String: Any])?["changes"] as? [[String: Any]], "\(plan)")
        var found: [String: (action: String, reason: String)] = [:]
        for change in changes where change["action"] as? String != "no-op" {
            found[change["address"] as? String ?? ""] = (
                change["action"] as? String ?? "", change["reason"] as? String ?? ""
            )
        }
        return found
    }

    /// The lines of the state's export, but for how it came to be: its serial, and where in the manifest the last change of
    /// each resource came from.
    func exported() async throws -> [Substring] {
        let ways = ["serial", "line", "column"].map { "\"\($0)\"" }
        return try await osiris("state", "export").out.split(separator: "\n").filter { line in
            !ways.contains { line.contains($0) }
        }
    }

    func hubPid() throws -> Int32 {
        let text = try scratch.read(".osiris/hubs/here/hub.pid")
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        return Int32(try #require(fields["pid"] as? Int))
    }

    var installed: Certificate {
        get throws { try Certificate(pem: try scratch.read(".osiris/hubs/here/tls.pem")) }
    }

    /// The cluster's authority, from the state and its key.
    func authority() async throws -> CertificateAuthority {
        let store = StateStore.open(path: scratch.url.path + "/.osiris/state.db")
        let records = try await store.snapshot().resources.values
        let record = try #require(records.first { $0.type == "authority" })
        let key = try #require(record.attributes["key"]?.stringValue)
        return CertificateAuthority(
            CertifiedKey(
                certificate: try Certificate(pem: record.attributes["certificate"]?.stringValue ?? ""),
                key: try PrivateKey(pem: key)))
    }

    /// Puts a certificate of the cluster's authority that was made so many days ago in the place of the hub's, and waits
    /// until the hub shows it. 90 days are its whole life.
    func age(days: Double) async throws {
        let made = try await authority().issue(
            subject: "here/hub.here", names: ["127.0.0.1", "::1", "localhost"], now: Date() - days * 86400)
        let file = scratch.url.path + "/.osiris/hubs/here/tls.pem"
        try Data((made.key.pem + made.certificate.pem).utf8).write(to: URL(fileURLWithPath: file + ".test"))
        chmod(file + ".test", 0o600)
        try #require(rename(file + ".test", file) == 0)
        let end = Date() + 120
        while try await shown() != made.certificate.fingerprint, Date() < end {}
        #expect(try await shown() == made.certificate.fingerprint)
    }

    /// The fingerprint of the certificate that is shown to whoever connects.
    func shown() async throws -> String {
        let script = """
            import hashlib, ssl, sys
            pem = ssl.get_server_certificate(("127.0.0.1", int(sys.argv[1])), timeout=20)
            print("sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest())
            """
        return try await tool("python3", "-c", script, "\(port)").out.trimmingCharacters(in: .newlines)
    }

    /// Runs another program in the cluster's folder.
    func tool(_ words: String...) async throws -> Program.Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.currentDirectoryURL = scratch.url
        process.standardInput = FileHandle.nullDevice
        let files = ["out", "err"].map {
            FileManager.default.temporaryDirectory.path + "/osiris-\(UUID().uuidString).\($0)"
        }
        defer { for file in files { unlink(file) } }
        for file in files { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: files[0])
        process.standardError = FileHandle(forWritingAtPath: files[1])
        try process.run()
        await process.ended()
        let texts = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
        return Program.Answer(status: process.terminationStatus, out: texts[0], err: texts[1])
    }
}
