/// A function as `GET /system/functions` shows it. It has no secret values, only their digests.
///
/// The spec, `state`, `ready`, `replicas`, `startingReplicas` and `restarts` are those of the wanted version. While that one is not ready
/// the version before it goes on, as `servingVersion`; its instances count as available, and its calls are shown.
public struct FunctionStatus: Codable, Sendable, Equatable {
    public var name: String
    public var namespace: String
    public var runtime: FunctionSpec.Runtime
    public var handler: String
    public var command: [String]
    /// The image with the runtime `container`, else nil.
    public var image: String?
    /// The port the image listens on with the runtime `container`, else nil.
    public var port: Int?
    /// The image's content that the wanted version runs, `sha256:…` or with its repository; nil until it is known.
    public var imageDigest: String?
    public var alwaysOn: Bool
    public var scale: FunctionSpec.Scale
    public var limits: FunctionSpec.Limits
    /// False if it has no network.
    public var network: Bool
    public var env: [String: String]
    public var secretDigests: [String: String]
    public var secretFileDigests: [String: String]
    public var sourceDigest: String
    public var annotations: [String: String]
    /// The wanted version.
    public var version: Int
    /// The version that answers calls.
    public var servingVersion: Int
    /// When the wanted version was deployed: seconds since 1970, UTC.
    public var updated: Double
    public var state: RestartPolicy.State
    /// True when the wanted version serves and has at least `scale.min` instances ready.
    public var ready: Bool
    /// Instances wanted now.
    public var replicas: Int
    /// Instances ready.
    public var availableReplicas: Int
    /// Instances that are being started, or wait for their next start.
    public var startingReplicas: Int
    /// Calls that wait for an instance.
    public var queueLength: Int
    /// Calls that an instance works on.
    public var runningCalls: Int
    public var restarts: Int
    /// Calls since the hub started.
    public var invocationCount: Int
    /// Why an instance of the wanted version last ended, written as null when none did.
    public var lastError: String?
    /// What is done before an instance of the wanted version can be started, as in `pulling image …`; nil if nothing is.
    public var activity: String?

    init(
        wanted: CatalogEntry, pool: InstancePool.Status, serving: Int, calls: InstancePool.Status, invocations: Int
    ) {
        name = wanted.spec.name.name
        namespace = wanted.spec.name.namespace
        runtime = wanted.spec.runtime
        handler = wanted.spec.handler
        command = wanted.spec.command
        image = wanted.spec.image
        port = wanted.spec.port
        alwaysOn = wanted.spec.alwaysOn
        scale = wanted.spec.scale
        limits = wanted.spec.limits
        network = wanted.spec.network ?? true
        env = wanted.spec.env
        secretDigests = wanted.spec.secretDigests
        secretFileDigests = wanted.spec.secretFileDigests ?? [:]
        sourceDigest = wanted.sourceDigest
        annotations = wanted.spec.annotations
        version = wanted.version
        servingVersion = serving
        updated = wanted.updated
        state = pool.state
        ready =
            serving == wanted.version && pool.available >= wanted.spec.scale.min && pool.state != .crashLoop
        replicas = pool.replicas
        availableReplicas = calls.available
        startingReplicas = pool.starting
        queueLength = calls.waiting
        runningCalls = calls.running
        restarts = pool.restarts
        invocationCount = invocations
        lastError = pool.lastError
        activity = pool.activity
        if serving != wanted.version, pool.state != .ready {
            let why = pool.lastError.map { ": \($0)" } ?? "."
            lastError = "Version \(wanted.version) is not ready, version \(serving) goes on\(why)"
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(namespace, forKey: .namespace)
        try container.encode(runtime, forKey: .runtime)
        try container.encode(handler, forKey: .handler)
        try container.encode(command, forKey: .command)
        try container.encodeIfPresent(image, forKey: .image)
        try container.encodeIfPresent(port, forKey: .port)
        try container.encodeIfPresent(imageDigest, forKey: .imageDigest)
        try container.encode(alwaysOn, forKey: .alwaysOn)
        try container.encode(scale, forKey: .scale)
        try container.encode(limits, forKey: .limits)
        try container.encode(network, forKey: .network)
        try container.encode(env, forKey: .env)
        try container.encode(secretDigests, forKey: .secretDigests)
        try container.encode(secretFileDigests, forKey: .secretFileDigests)
        try container.encode(sourceDigest, forKey: .sourceDigest)
        try container.encode(annotations, forKey: .annotations)
        try container.encode(version, forKey: .version)
        try container.encode(servingVersion, forKey: .servingVersion)
        try container.encode(updated, forKey: .updated)
        try container.encode(state, forKey: .state)
        try container.encode(ready, forKey: .ready)
        try container.encode(replicas, forKey: .replicas)
        try container.encode(availableReplicas, forKey: .availableReplicas)
        try container.encode(startingReplicas, forKey: .startingReplicas)
        try container.encode(queueLength, forKey: .queueLength)
        try container.encode(runningCalls, forKey: .runningCalls)
        try container.encode(restarts, forKey: .restarts)
        try container.encode(invocationCount, forKey: .invocationCount)
        try container.encodeIfPresent(activity, forKey: .activity)
        // Written even when nil: the synthesized form would leave the key out.
        try container.encode(lastError, forKey: .lastError)
    }
}

/// The answer of `GET /ready`.
public struct Readiness: Codable, Sendable, Equatable {
    /// An always-on function that is not there yet.
    public struct Waiting: Codable, Sendable, Equatable {
        public var name: String
        public var namespace: String
        /// What it waits for.
        public var reason: String
    }

    public var ready: Bool
    public var waiting: [Waiting]
}
