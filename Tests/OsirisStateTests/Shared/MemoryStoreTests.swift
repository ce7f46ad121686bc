import OsirisModel
import Testing

@testable import OsirisState

/// The faults that other tests rely on.
@Suite struct MemoryStoreTests {
    let store = MemoryStore()

    @Test func aLostAnswerTookEffectAndALostRequestDidNot() async throws {
        store.fail(.answerLost)
        #expect(
            await storeError { _ = try await store.write([1], to: "a", if: .absent, holding: nil) }?.kind == .unknown)
        #expect(try await store.read("a")?.bytes == [1])
        store.fail(.requestLost)
        #expect(
            await storeError { _ = try await store.write([1], to: "b", if: .absent, holding: nil) }?.kind == .unknown)
        #expect(try await store.read("b") == nil)
        #expect(try await store.write([1], to: "b", if: .absent, holding: nil) != nil)
    }

    @Test func callsAreRefusedForAWhile() async throws {
        store.refuse(calls: 2)
        #expect(
            await storeError { _ = try await store.write([1], to: "a", if: .absent, holding: nil) }?.kind
                == .unavailable)
        #expect(await storeError { _ = try await store.read("a") }?.kind == .unavailable)
        #expect(try await store.read("a") == nil)
        #expect(store.calls == 3)
    }

    @Test func timePassesOnDemand() async throws {
        _ = try await store.acquire([1], at: "lock", seconds: 30)
        store.advance(by: .seconds(29))
        #expect(try await store.holder("lock") != nil)
        store.advance(by: .seconds(2))
        #expect(try await store.holder("lock") == nil)
    }
}
