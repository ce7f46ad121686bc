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

    /// Two states in one folder: what one does with its key is nothing to the other.
    @Test func eachStateFileHasItsOwnKey() async throws {
        let other = StateStore.sealingTokens(folder.path + "/.osiris/other.db")
        for store in [StateStore.sealingTokens(folder.state), other] {
            let session = try await store.begin(.test)
            try await session.create(.hub(token: "CANARY"))
            try await session.end(.succeeded)
        }
        #expect(folder.files == ["key", "other.db", "other.db.key", "state.db"])
        let first = StateStore.sealingTokens(folder.state)
        let session = try await first.begin(.test)
        _ = try await session.rotateKey(first.snapshot())
        try await session.delete(.hub(token: ""))
        try await session.end(.succeeded)
        #expect(folder.files == ["other.db", "other.db.key", "state.db"])
        #expect(try await other.snapshot().resources.count == 1)
    }

    // MARK: Another key

    private func sealedHub() async throws -> StateStore {
        let store = StateStore.sealingTokens(folder.state)
        let session = try await store.begin(.test)
        try await session.create(.hub(token: "CANARY-token"))
        try await session.end(.succeeded)
        return store
    }

    private var key: String { get throws { try String(contentsOfFile: folder.key, encoding: .utf8) } }

    @Test func afterARotationTheOldKeyOpensNothing() async throws {
        let store = try await sealedHub()
        let old = try key
        let blob = try Inspection.text("SELECT hex(sealed) FROM changes WHERE sealed IS NOT NULL", in: folder.state)
        let session = try await store.begin(.test)
        #expect(try await session.rotateKey(store.snapshot()) == 1)
        try await session.end(.succeeded)
        #expect(try key != old)
        #expect(folder.files == ["key", "state.db"])
        let snapshot = try await store.snapshot()
        #expect(
            snapshot.resources[ResourceAddress("here/hub.here")!]?.attributes["token"]?.stringValue == "CANARY-token")
        let withOld = StateStore.sealingTokens(folder.state, keyText: old)
        #expect(await codes { _ = try await withOld.snapshot() } == [.stateKey])
        // Not even its bytes are left: whoever stole the old key and finds this file gets nothing.
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.state))
        let first = Data(
            stride(from: 0, to: 32, by: 2).map { offset in
                UInt8(blob.dropFirst(offset).prefix(2), radix: 16)!
            })
        #expect(bytes.range(of: first) == nil)
    }

    /// Cut off after each of its steps, the state opens, and doing it again finishes it.
    @Test(arguments: ["new key made", "records sealed"])
    func aRotationThatWasCutOffIsFinished(after step: String) async throws {
        let store = try await sealedHub()
        let old = try key
        let next = String(repeating: "0c", count: 32)
        try Data(next.utf8).write(to: URL(fileURLWithPath: folder.key + ".next"))
        if step == "records sealed" {
            let session = try await store.begin(.test)
            _ = try await session.rotateKey(store.snapshot())
            try await session.end(.succeeded)
            // As before the last step.
            try Data(next.utf8).write(to: URL(fileURLWithPath: folder.key + ".next"))
            try Data(old.utf8).write(to: URL(fileURLWithPath: folder.key))
        }
        #expect(try await store.snapshot().resources.count == 1)
        let session = try await store.begin(.test)
        #expect(try await session.rotateKey(store.snapshot()) == 1)
        try await session.end(.succeeded)
        #expect(try key == next)
        #expect(folder.files == ["key", "state.db"])
        #expect(try await store.snapshot().resources.count == 1)
    }

    @Test func keysOfTheEnvironmentAreRotatedToo() async throws {
        let (old, next) = (String(repeating: "0a", count: 32), String(repeating: "0b", count: 32))
        let before = StateStore.sealingTokens(folder.state, keyText: old)
        var session = try await before.begin(.test)
        try await session.create(.hub(token: "CANARY-token"))
        #expect(await codes { _ = try await session.rotateKey(before.snapshot()) } == [.stateKey])
        try await session.end(.failed)
        let both = StateStore.open(path: folder.state, keyText: old, nextKeyText: next) { _, name in name == "token" }
        session = try await both.begin(.test)
        #expect(try await session.rotateKey(both.snapshot()) == 1)
        try await session.end(.succeeded)
        #expect(await codes { _ = try await before.snapshot() } == [.stateKey])
        #expect(try await StateStore.sealingTokens(folder.state, keyText: next).snapshot().resources.count == 1)
        #expect(folder.files == ["state.db"])
    }
}
