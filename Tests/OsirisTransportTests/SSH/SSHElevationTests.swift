import Foundation
import OsirisModel
import Testing

@testable import OsirisTransport

/// Scripts with the rights of root, through real sudo and doas.
@Suite(.serialized, .enabled(if: geteuid() == 0, "accounts of its own need root")) struct SSHElevationTests {
    private static let patience = SSHPatience(connect: .seconds(90))
    private let client = SSHClient(patience: Self.patience)

    private func run(
        _ server: SSHServer, _ account: SSHServer.Account, _ elevation: SSHElevation, _ script: String = "id -u; cat",
        input: [UInt8] = Array("payload".utf8)
    ) async throws -> SSHResult {
        try await client.connect(to: server.destination(account))
            .run(script: script, as: elevation, arguments: ["it's", ""], input: input)
    }

    private func reason(
        _ server: SSHServer, _ account: SSHServer.Account, _ elevation: SSHElevation
    ) async -> String {
        do {
            return "no error but \(try await run(server, account, elevation))"
        } catch {
            guard let error = error as? SSHError, error.kind == .elevation else { return "\(error)" }
            #expect(!"\(error) \(error.help)".contains(elevation.password ?? "?"))
            return error.reason
        }
    }

    @Test func rightsComeInEveryWay() async throws {
        let server = try await SSHServer(accounts: true)
        let (wrong, right) = ("not it", server.password)
        let expected = SSHResult(status: 0, output: Array("0\npayload".utf8))
        let ways: [(SSHServer.Account, SSHElevation)] = [
            (.ada, .init(.sudo, password: right)), (.ada, .init(.auto, password: right)), (.bob, .init(.sudo)),
            // A password that nobody asks for must not end up in the script's input.
            (.bob, .init(.sudo, password: wrong)), (.dora, .init(.doas)),
        ]
        for (account, elevation) in ways {
            #expect(try await run(server, account, elevation) == expected, "\(account) \(elevation)")
        }
        var root = try server.destination()
        root.user = "root"
        let connection = try await client.connect(to: root)
        let result = try await connection.run(
            script: "id -u; cat; exit 3", as: .init(.auto, password: right), input: Array("payload".utf8))
        #expect(result == SSHResult(status: 3, output: expected.output))
        #expect(try await run(server, .eve, .none).output != expected.output)
    }

    @Test func theScriptGetsItsArgumentsAndNobodySeesThePassword() async throws {
        let server = try await SSHServer(accounts: true)
        let bytes = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let elevation = SSHElevation(.sudo, password: server.password)
        let script = """
            printf '%s|%s|%s\\n' "$#" "$1" "$2" >&2
            cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' >&2
            exec cat
            """
        let result = try await run(server, .ada, elevation, script, input: bytes)
        #expect(result.output == bytes)
        let errors = String(decoding: result.errors, as: UTF8.self)
        #expect(errors.hasPrefix("2|it's|\n"))
        // What the test's own process has in its environment is not sent by it.
        #expect(errors.contains("sudo") && !errors.contains(server.password))
        #expect("\(elevation)" == "sudo")
    }

    @Test func refusalsTellWhatToDo() async throws {
        let server = try await SSHServer(accounts: true)
        let right = server.password
        #expect(await reason(server, .ada, .init(.sudo, password: "not it")) == "sudo did not take the password")
        #expect(await reason(server, .ada, .init(.sudo)) == "sudo wants a password")
        #expect(await reason(server, .ada, .init(.auto)) == "sudo wants a password")
        #expect(await reason(server, .eve, .init(.sudo, password: right)).hasPrefix("the user has not the right: "))
        #expect(await reason(server, .rita, .init(.sudo)) == "sudo wants a terminal (requiretty)")
        #expect(await reason(server, .carl, .init(.doas)).hasPrefix("doas wants a password"))
        #expect(await reason(server, .eve, .init(.doas)).hasPrefix("the user has not the right: "))
    }

    @Test func anUploadBelongsToRoot() async throws {
        let server = try await SSHServer(accounts: true)
        let elevation = SSHElevation(.sudo, password: server.password)
        let connection = try await client.connect(to: server.destination(.ada))
        let folder = server.folder + "/root"
        #expect(
            try await connection.run(script: "mkdir -m 0700 \"$1\"", as: elevation, arguments: [folder]).status == 0)
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
        let file = server.folder + "/file"
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let digest = Digest.sha256(bytes)
        try Data(bytes.prefix(1_000_000)).write(to: URL(fileURLWithPath: folder + "/there.part"))
        let sent = try await connection.upload(
            file, to: folder + "/there", mode: "0600", digest: digest, as: elevation)
        #expect(sent == 2_000_000)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/there")) == Data(bytes))
        let again = try await connection.upload(
            file, to: folder + "/there", mode: "0600", digest: digest, as: elevation)
        #expect(again == 0)
    }
}
