import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Synchronization

/// A provider of hubs in memory, each a machine of its own, whose updates take effect and then may fail.
final class HubsProvider: Provider, ResourceHandler {
    struct World: Sendable {
        var objects: [ResourceAddress: Attributes] = [:]
        /// `VERB NAME SIZE`, in order.
        var calls: [String] = []
    }

    struct Script: Sendable {
        var size = 1
        /// Names of hubs that are wanted beside `h1` and so on.
        var count = 4
        /// Names whose update fails after it took effect.
        var bad: Set<String> = []
        /// Names that cannot be put back.
        var stuck: Set<String> = []
        /// Names that preflight finds unfit.
        var unfit: Set<String> = []
        /// Names that somebody wants left alone.
        var alone: Set<String> = []
        /// The secret that every hub has; nil for none.
        var key: String?
    }

    let name = "hubs"
    let world = Mutex(World())
    let script: Mutex<Script>
    let targetKind: TargetKind? = TargetKind(provider: "hubs", doc: "In memory.", schema: Schema([]))
    let type = ResourceType(
        name: "hub", doc: "A hub.",
        schema: Schema([
            Field("size", .int(0...100), required: true, doc: "Size."),
            Field("key", .string, secret: true, doc: "A secret."),
            Field("id", .string, role: .computed, doc: "Id."),
        ]))

    init(_ script: Script = Script()) { self.script = Mutex(script) }

    var handlers: [any ResourceHandler] { [self] }

    static func address(_ name: String) -> ResourceAddress { ResourceAddress(target: "t", type: "hub", name: name) }

    func expand(_ target: Target, of cluster: Cluster) throws -> Expansion {
        let script = script.withLock { $0 }
        return Expansion(
            resources: (1...script.count).map { index in
                ResourceDeclaration(
                    address: Self.address("h\(index)"), provider: name,
                    attributes: [
                        "size": .int(script.size),
                        "key": script.key.map { .secret(Secret(digest: "digest of \($0)", plaintext: $0)) } ?? .null,
                    ].filter { $0.value != .null }, spans: target.spans)
            })
    }

    func preflight(_ changes: [PreflightChange], of cluster: Cluster) async -> [PreflightFault] {
        let (unfit, alone) = script.withLock { ($0.unfit, $0.alone) }
        world.withLock { $0.calls.append("preflight \(changes.count)") }
        return changes.filter { unfit.contains(String($0.root.name)) }.flatMap { change in
            [
                PreflightFault(
                    root: change.root, code: .machineOffline, message: "no answer to \(change.action.rawValue)"),
                PreflightFault(root: change.root, code: .machineOffline, message: "no light either"),
            ]
        }
            + changes.filter { alone.contains(String($0.root.name)) }.map {
                PreflightFault(root: $0.root, code: .hostCordoned, message: "it is cordoned", effect: .leftAlone)
            }
    }

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        world.withLock { world in requests.map { world.objects[$0.address].map(ReadResult.present) ?? .absent } }
    }

    func create(_ request: OperationRequest) async throws -> Attributes { set("create", request) }

    func update(_ request: OperationRequest) async throws -> Attributes {
        let attributes = set("update", request)
        if script.withLock({ $0.bad.contains(String(request.address.name)) }) {
            throw ProviderError(.rejected, "\(request.address): it does not come up")
        }
        return attributes
    }

    func putBack(_ request: OperationRequest, to earlier: Attributes) async throws -> Attributes {
        if script.withLock({ $0.stuck.contains(String(request.address.name)) }) {
            throw ProviderError(.rejected, "\(request.address): no way back")
        }
        guard request.planned.values.allSatisfy({ !$0.hasForgottenSecret }) else {
            throw ProviderError(.rejected, "\(request.address): its key is forgotten")
        }
        return set("put-back", request)
    }

    func delete(_ request: OperationRequest) async throws {
        world.withLock {
            $0.calls.append("delete \(request.address.name)")
            $0.objects[request.address] = nil
        }
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution { .notLanded }
    func fence(_ request: OperationRequest) async throws {}
    func discover(_ request: DiscoveryRequest) async -> Discovery { Discovery() }

    private func set(_ verb: String, _ request: OperationRequest) -> Attributes {
        world.withLock { world in
            let size = request.planned["size"]?.intValue ?? 0
            world.calls.append("\(verb) \(request.address.name) \(size)")
            let id = world.objects[request.address]?["id"] ?? .string(request.token)
            world.objects[request.address] = request.planned.merging(["id": id]) { $1 }
            return world.objects[request.address]!
        }
    }

    func sizes() -> [String: Int] {
        world.withLock { world in
            Dictionary(
                uniqueKeysWithValues: world.objects.map { (String($0.key.name), $0.value["size"]?.intValue ?? -1) })
        }
    }

    func takeCalls() -> [String] {
        world.withLock { world in
            defer { world.calls = [] }
            return world.calls
        }
    }
}
