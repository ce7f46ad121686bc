import Foundation
import OsirisModel
import Testing

@testable import OsirisState

/// What every shared store must do, whatever the service.
@Suite struct StoreConformanceTests {
    static let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    @Test(arguments: StoreKind.allCases)
    func writesHappenIfTheConditionHolds(kind: StoreKind) async throws {
        let store = try await kind.store()
        #expect(try await store.read("log/1") == nil)
        #expect(try await store.write([1], to: "log/1", if: .version("1"), holding: nil) == nil)
        let first = try #require(try await store.write(Self.bytes, to: "log/1", if: .absent, holding: nil))
        #expect(try await store.read("log/1") == StoredValue(bytes: Self.bytes, version: first))
        #expect(try await store.write([2], to: "log/1", if: .absent, holding: nil) == nil)
        let second = try #require(try await store.write([2], to: "log/1", if: .version(first), holding: nil))
        #expect(second != first)
        #expect(try await store.write([3], to: "log/1", if: .version(first), holding: nil) == nil)
        #expect(try await store.read("log/1") == StoredValue(bytes: [2], version: second))
        #expect(try await store.write([], to: "log/1", if: .version(second), holding: nil) != nil)
        #expect(try await store.read("log/1")?.bytes == [])
        try await store.remove(["log/1", "log/none"])
        #expect(try await store.read("log/1") == nil)
        #expect(try await store.write([4], to: "log/1", if: .version(second), holding: nil) == nil)
        #expect(try await store.write([4], to: "log/1", if: .absent, holding: nil) != nil)
    }

    @Test(arguments: StoreKind.allCases)
    func theLargestValueFits(kind: StoreKind) async throws {
        let store = try await kind.store()
        let large = [UInt8](repeating: 7, count: store.maxValueSize)
        #expect(try await store.write(large, to: "large", if: .absent, holding: nil) != nil)
        #expect(try await store.read("large")?.bytes == large)
        #expect(try await store.read(["large"])["large"]?.bytes == large)
        let error = await storeError {
            _ = try await store.write(large + [1], to: "larger", if: .absent, holding: nil)
        }
        #expect(error?.kind == .tooLarge && error?.message.contains(store.location) == true)
        #expect(try await store.read("larger") == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func keysAreListedInOrder(kind: StoreKind) async throws {
        let store = try await kind.store()
        let keys = ["log/0009", "log/0010", "log/A", "log/a", "log/a-b", "log/a.b", "log/a/b", "log/a_b", "lof", "lon"]
        for key in keys.shuffled() { #expect(try await store.write([1], to: key, if: .absent, holding: nil) != nil) }
        let sorted = keys.filter { $0.hasPrefix("log/") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try await store.list("log/", after: nil) == sorted)
        #expect(try await store.list("log/", after: "log/a") == Array(sorted.drop { $0 != "log/a" }.dropFirst()))
        #expect(try await store.list("log/", after: "log/0009x").first == "log/0010")
        #expect(try await store.list("log/", after: "a") == sorted)
        #expect(try await store.list("log/", after: "z") == [])
        #expect(try await store.list("none/", after: nil) == [])
        #expect(Set(try await store.list("", after: nil)) == Set(keys))
    }

    @Test(arguments: StoreKind.allCases)
    func manyKeysAreListedReadAndRemoved(kind: StoreKind) async throws {
        let store = try await kind.store()
        let keys = (0..<1_050).map { "many/" + String(10_000 + $0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, key) in keys.enumerated() {
                if number >= 16 { try await group.next() }
                group.addTask {
                    let version = try await store.write(Array(key.utf8), to: key, if: .absent, holding: nil)
                    #expect(version != nil)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.list("many/", after: nil) == keys)
        #expect(try await store.list("many/", after: keys[20]) == Array(keys[21...]))
        let some = stride(from: 0, to: keys.count, by: 11).map { keys[$0] }
        let values = try await store.read(some + ["many/none"])
        #expect(values.mapValues(\.bytes) == Dictionary(uniqueKeysWithValues: some.map { ($0, Array($0.utf8)) }))
        let one = try await store.read(some[1])
        #expect(values[some[1]] == one)
        #expect(try await store.read([]) == [:])
        try await store.remove(Array(keys[100...]))
        #expect(try await store.list("many/", after: nil) == Array(keys[..<100]))
    }

    /// Every increment of every task counts, whoever is faster.
    @Test(arguments: StoreKind.allCases)
    func noIncrementIsLost(kind: StoreKind) async throws {
        let store = try await kind.store()
        _ = try await store.write(Array("0".utf8), to: "count", if: .absent, holding: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    while true {
                        let found = try #require(try await store.read("count"))
                        let next = try #require(Int(String(decoding: found.bytes, as: UTF8.self))) + 1
                        let written = try await store.write(
                            Array(String(next).utf8), to: "count", if: .version(found.version), holding: nil)
                        if written != nil { return }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.read("count")?.bytes == Array("20".utf8))
    }

    @Test(arguments: StoreKind.allCases)
    func oneOfManyWritesTheSameKey(kind: StoreKind) async throws {
        let store = try await kind.store()
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await store.write([UInt8(number)], to: "log/1", if: .absent, holding: nil) != nil
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
    }
}
