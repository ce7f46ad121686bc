import Foundation
import OsirisModel
import OsirisState
import Testing

@Suite struct SecretTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func filesWith(_ text: String) throws -> [String] {
        try folder.files.filter { name in
            try Data(contentsOf: URL(fileURLWithPath: folder.path + "/.osiris/" + name)).range(of: Data(text.utf8))
                != nil
        }
    }

    @Test func generatedSecretsComeBackAndNoneIsInAnyFile() async throws {
        let store = StateStore.sealingTokens(folder.state)
        let session = try await store.begin(.test)
        let hub = ResourceRecord.hub(token: "CANARY-token")
        try await session.record(.intent(Intent("open", .update, of: hub)))
        try await session.create(hub)
        #expect(try filesWith("CANARY").isEmpty)
        try await session.end(.succeeded)
        #expect(try filesWith("CANARY").isEmpty)
        let snapshot = try await StateStore.sealingTokens(folder.state).snapshot()
        let read = try #require(snapshot.resources[hub.address])
        #expect(read == hub)
        #expect(read.attributes["token"]?.stringValue == "CANARY-token")
        #expect(read.attributes["password"]?.stringValue == nil)
        #expect(snapshot.intents[0].planned["token"]?.stringValue == nil)
        #expect(!snapshot.exported.jsonText.contains("CANARY") && !"\(snapshot)".contains("CANARY"))
    }

    @Test func secretsInsideAnAttributeAreSealedToo() async throws {
        let store = StateStore.open(path: folder.state) { _, attribute in attribute == "keys" }
        var record = ResourceRecord.sample(1)
        record.attributes["keys"] = ["tls": [.secret(Secret(digest: "hmac-sha256:0a", plaintext: "CANARY-nested"))]]
        let session = try await store.begin(.test)
        try await session.create(record)
        try await session.end(.succeeded)
        #expect(try filesWith("CANARY").isEmpty)
        let keys = try await store.snapshot().resources[record.address]?.attributes["keys"]
        #expect(keys?.mapValue?["tls"]?.listValue?.first?.stringValue == "CANARY-nested")
    }

    @Test func aWrongOrMissingKeyIsSaidSo() async throws {
        let good = String(repeating: "0a", count: 32)
        let store = StateStore.sealingTokens(folder.state, keyText: good)
        let session = try await store.begin(.test)
        try await session.create(.hub(token: "CANARY"))
        try await session.end(.succeeded)
        #expect(folder.files == ["state.db"])
        for text in [String(repeating: "0b", count: 32), "short", nil] {
            let other = StateStore.sealingTokens(folder.state, keyText: text)
            #expect(await codes { _ = try await other.snapshot() } == [.stateKey], "\(text ?? "no key")")
            #expect(try await other.snapshot(unsealing: false).resources.count == 1)
        }
        let base64 = Data(repeating: 0x0A, count: 32).base64EncodedString()
        #expect(try await StateStore.sealingTokens(folder.state, keyText: base64).snapshot().resources.count == 1)
    }

    @Test func aSealedSecretIsBoundToItsAddress() async throws {
        let store = StateStore.sealingTokens(folder.state)
        let session = try await store.begin(.test)
        try await session.create(.hub(token: "CANARY"))
        try await session.end(.succeeded)
        try Inspection.execute("UPDATE changes SET address = 'here/hub.other'", in: folder.state)
        #expect(await codes { _ = try await store.snapshot() } == [.stateKey])
    }
}
