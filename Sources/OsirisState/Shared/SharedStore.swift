/// Named values with conditional writes: all that a shared state needs of a service.
///
/// Keys are relative to the store's prefix: ASCII letters, digits, `-`, `_`, `.`, `/`; no leading slash. A key serves
/// either values or a lease, not both. Reads are linearizable: they see every write that was answered before they began.
///
/// Every function throws `SharedStoreError`, and `CancellationError` when its task is cancelled; a cancelled write may
/// have taken effect.
protocol SharedStore: Sendable {
    /// As people write it, without secrets: `s3://bucket/edge`, `etcd://h1:2379,h2:2379/edge`.
    var location: String { get }
    /// Largest value that `write` takes, in bytes.
    var maxValueSize: Int { get }

    /// Nil if there is no such key.
    func read(_ key: String) async throws -> StoredValue?

    /// The values of many keys, in fewer round trips than reading each. Missing keys are left out.
    func read(_ keys: [String]) async throws -> [String: StoredValue]

    /// Writes if the condition holds at that moment. Never repeated behind the caller's back: a refusal is another's doing.
    /// - Parameter lease: a service with transactions (etcd) writes only while this lease is held, checked in the same
    ///   transaction; others (S3) cannot and ignore it.
    /// - Returns: the new version, or nil if the condition did not hold or the lease is gone.
    /// - Throws: `SharedStoreError`; `.unknown` when the write may have taken effect, now or a little later.
    func write(_ value: [UInt8], to key: String, if condition: WriteCondition, holding lease: StoreLease?) async throws
        -> String?

    /// All keys that begin with `prefix` and come after `after` in byte order; sorted; every page. The key of a lease may
    /// be among them or not.
    func list(_ prefix: String, after: String?) async throws -> [String]

    /// Removes keys; those that are not there count as removed.
    func remove(_ keys: [String]) async throws

    /// Takes the exclusive lease under `key` for `seconds` from its last renewal, with `value` shown to others.
    ///
    /// A lease lasts at least `seconds` from the moment the service took the acquisition or renewal, so a holder counts
    /// from before its request. After an error the lease may be held by nobody until `seconds` are over.
    func acquire(_ value: [UInt8], at key: String, seconds: Int) async throws -> LeaseOutcome

    /// - Returns: false if it is no longer held: expired and taken, or broken.
    func renew(_ lease: StoreLease) async throws -> Bool

    /// Gives the lease back; one that is no longer held is left alone.
    func release(_ lease: StoreLease) async throws

    /// What the holder of the lease shows, nil if nobody holds it (expired counts as nobody).
    func holder(_ key: String) async throws -> StoredValue?

    /// Takes the lease away if its value is still exactly `value`.
    /// - Returns: false if it is not.
    func breakLease(_ key: String, ifValue value: [UInt8]) async throws -> Bool
}

/// A value as it was read.
struct StoredValue: Sendable, Hashable {
    var bytes: [UInt8]
    /// Changes with every write that changes the bytes; opaque.
    var version: String
}

/// When a write may happen.
enum WriteCondition: Sendable, Hashable {
    /// There is no such key.
    case absent
    /// The key has this version.
    case version(String)
}

/// A lease that was acquired.
struct StoreLease: Sendable, Hashable {
    var key: String
    /// Of this acquisition alone: etcd's number of the lease, a random one elsewhere.
    var id: String
    /// etcd: the `create_revision` of the key; empty elsewhere.
    var revision = ""
}

enum LeaseOutcome: Sendable, Hashable {
    case acquired(StoreLease)
    /// Somebody holds it and shows this.
    case held(StoredValue)
}
