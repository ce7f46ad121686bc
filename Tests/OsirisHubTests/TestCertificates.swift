import Foundation
import Testing

/// Certificates made by the program `openssl`, and the foreign clients that try them. Every program is waited for without
/// holding a thread.
struct TestCertificates {
    let folder: String

    /// Makes `NAME.ca.pem` and `NAME.pem`, key and certificate for 127.0.0.1, for each name.
    init(_ names: String...) async throws {
        folder = NSTemporaryDirectory() + "osiris-certificates-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth".utf8)
            .write(to: URL(fileURLWithPath: folder + "/extensions"))
        for name in names {
            let script = """
                set -e
                new="req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                openssl $new -x509 -days 10 -subj /CN=\(name) -keyout ca.key -out \(name).ca.pem
                openssl $new -subj /CN=hub -keyout leaf.key -out leaf.csr
                openssl x509 -req -in leaf.csr -CA \(name).ca.pem -CAkey ca.key -CAcreateserial -days 5 \
                    -extfile extensions -out leaf.pem
                cat leaf.key leaf.pem >\(name).pem
                """
            let made = try await run("sh", "-c", script)
            try #require(made.status == 0, "\(made)")
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// Puts key and certificate of a name into a hub's folder, in one step.
    func install(_ name: String, in hub: String, mode: mode_t = 0o600) throws {
        try Self.install(bytes(name), in: hub, mode: mode)
    }

    /// Key and certificate of a name.
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).pem")) }

    static func install(_ bytes: Data, in hub: String, mode: mode_t = 0o600) throws {
        let beside = hub + "/tls.pem.new"
        try bytes.write(to: URL(fileURLWithPath: beside))
        chmod(beside, mode)
        try #require(rename(beside, hub + "/tls.pem") == 0)
    }

    /// What a program wrote, and its exit status.
    func run(_ words: String...) async throws -> (status: Int32, out: String, err: String) { try await run(words) }

    private func run(_ words: [String]) async throws -> (status: Int32, out: String, err: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let files = ["out", "err"].map { "\(folder)/\($0)-\(UUID().uuidString)" }
        for file in files { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: files[0])
        process.standardError = FileHandle(forWritingAtPath: files[1])
        let (ends, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            end.yield($0.terminationStatus)
            end.finish()
        }
        try process.run()
        var status: Int32 = -1
        for await found in ends { status = found }
        let texts = files.map { (try? String(contentsOfFile: $0, encoding: .utf8)) ?? "" }
        return (status, texts[0], texts[1])
    }

    /// curl, which trusts the authority of a name.
    func curl(_ name: String, _ url: String, _ more: String...) async throws -> (
        status: Int32, out: String, err: String
    ) {
        try await run(
            ["curl", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", "\(name).ca.pem"]
                + ["-H", "Authorization: Bearer admin"] + more + [url])
    }
}
