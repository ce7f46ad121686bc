import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Synchronization

/// A provider whose answers are worded by a moody service: other spellings of the same values, defaults that nobody set,
/// fields that nobody knows, lists in another order. Another wording at every answer.
struct NoisyProvider: Provider {
    let inner: any Provider
    let handlers: [any ResourceHandler]
    var name: String { inner.name }
    var targetKind: TargetKind? { inner.targetKind }

    init(_ inner: any Provider, seed: UInt64) {
        self.inner = inner
        let noise = Noise(seed: seed)
        handlers = inner.handlers.map { NoisyHandler(inner: $0, noise: noise) }
    }

    func expand(_ target: Target, of cluster: Cluster) throws -> Expansion { try inner.expand(target, of: cluster) }

    func preflight(_ changes: [PreflightChange], of cluster: Cluster) async -> [PreflightFault] { [] }
}

struct NoisyHandler: ResourceHandler {
    let inner: any ResourceHandler
    let noise: Noise
    var type: ResourceType { inner.type }

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        await inner.read(requests, of: cluster).map { result in
            if case .present(let attributes) = result {
                .present(noise.worded(attributes, type.schema))
            } else {
                result
            }
        }
    }

    func create(_ request: OperationRequest) async throws -> Attributes {
        noise.worded(try await inner.create(request), type.schema)
    }

    func update(_ request: OperationRequest) async throws -> Attributes {
        noise.worded(try await inner.update(request), type.schema)
    }

    func delete(_ request: OperationRequest) async throws { try await inner.delete(request) }
    func resolve(_ request: OperationRequest) async throws -> IntentResolution { try await inner.resolve(request) }
    func fence(_ request: OperationRequest) async throws { try await inner.fence(request) }
    func discover(_ request: DiscoveryRequest) async -> Discovery { await inner.discover(request) }
}

/// Words values in other ways, at random.
final class Noise: Sendable {
    private let random: Mutex<SplitMix>
    /// How many values were worded otherwise, by what was done.
    let done = Mutex<[String: Int]>([:])

    init(seed: UInt64) { random = Mutex(SplitMix(seed: seed)) }

    private func flip() -> Bool { random.withLock { Bool.random(using: &$0) } }

    private func count(_ what: String) { done.withLock { $0[what, default: 0] += 1 } }

    func worded(_ attributes: Attributes, _ schema: Schema) -> Attributes {
        var worded = attributes
        for field in schema.fields {
            guard let value = attributes[field.name] else {
                if field.role == .argument, let value = field.defaultValue, flip() {
                    worded[field.name] = value
                    count("default")
                }
                continue
            }
            if field.role == .argument, value == field.defaultValue, flip() {
                worded[field.name] = nil
                count("default")
                continue
            }
            worded[field.name] = self.worded(value, field)
        }
        if flip() {
            worded["xService"] = ["etag": .int(Int(random.withLock { $0.next() } >> 33))]
            count("extra field")
        }
        return worded
    }

    private func worded(_ value: Value, _ field: Field) -> Value {
        guard flip() else { return value }
        switch (field.type, value) {
        case (.object(let schema), .map(let entries)): return .map(worded(entries, schema))
        case (.list, .list(let items)) where field.unordered:
            count("order")
            return .list(random.withLock { random in items.shuffled(using: &random) })
        case (.duration, .string(let text)):
            guard let milliseconds = Quantities.milliseconds(text) else { return value }
            count("duration")
            return flip() ? .int(milliseconds) : .string("\(milliseconds)ms")
        case (.size, .string(let text)):
            guard let bytes = Quantities.bytes(text) else { return value }
            count("size")
            return flip() ? .int(bytes) : .string("\(bytes)")
        case (.int, .int(let number)):
            count("number")
            return flip() ? .string("\(number)") : .double(Double(number))
        case (.bool, .bool(let flag)):
            count("flag")
            return .string(flag ? "true" : "false")
        default: return value
        }
    }
}

/// A generator with a seed that can be printed: https://prng.di.unimi.it/splitmix64.c.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
