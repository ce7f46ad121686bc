import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Synchronization

/// What the handlers of one provider share: the open stores and the count of tries.
final class SimulatedPlace: Sendable {
    private let stores = Mutex<[String: ObjectStore]>([:])
    private let attempts = Mutex<[String: Int]>([:])

    /// The owner of the file at `path`, one in this process.
    func store(_ path: String) -> ObjectStore {
        stores.withLock { stores in
            if let store = stores[path] { return store }
            let store = ObjectStore(path: path)
            stores[path] = store
            return store
        }
    }

    /// The file an object is in: as recorded with it or with its machine, else as the manifest says.
    func storePath(
        _ recorded: Attributes, _ ancestors: [Attributes], _ address: ResourceAddress, _ cluster: Cluster
    ) -> String {
        let store =
            recorded["store"]?.stringValue ?? ancestors.lazy.compactMap { $0["store"]?.stringValue }.first
            ?? cluster.targets.first { $0.name == address.target }.map { SimulatedTarget($0, of: cluster).store }
            ?? SimulatedTarget.defaultStore(String(address.target))
        return store.hasPrefix("/") ? store : cluster.folder + "/" + store
    }

    func storePath(_ recorded: Attributes, _ request: OperationRequest) -> String {
        storePath(recorded, request.ancestors, request.address, request.cluster)
    }

    /// Nil when the target is no longer in the manifest.
    func simulation(_ address: ResourceAddress, _ cluster: Cluster) -> Simulation? {
        cluster.targets.first { $0.name == address.target }.map {
            Simulation($0.settings["simulate"]?.mapValue ?? [:])
        }
    }

    /// Counts a try; the first is 1.
    func beginAttempt(_ address: ResourceAddress, _ action: Simulation.Action) -> Int {
        attempts.withLock { attempts in
            let attempt = attempts["\(action) \(address)", default: 0] + 1
            attempts["\(action) \(address)"] = attempt
            return attempt
        }
    }

    /// Forgets the tries of a call that succeeded.
    func endAttempts(_ address: ResourceAddress, _ action: Simulation.Action) {
        attempts.withLock { _ = $0.isEmpty ? nil : $0.removeValue(forKey: "\(action) \(address)") }
    }
}
