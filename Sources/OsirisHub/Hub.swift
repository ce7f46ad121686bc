import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import OsirisTransport
import ServiceLifecycle

/// A hub on a data folder: owns the lock, the catalog, the controller and the HTTP server.
public actor Hub {
    /// Longest wait for running calls at the end, unless told otherwise.
    public static let drainGrace = Duration.seconds(10)

    /// Most calls that wait for one version of a function, unless told otherwise.
    public static let queueBound = 1_000

    private let data: DataFolder
    private let configFile: String
    private let logger: Logger
    private let drainGrace: Duration
    private let queueBound: Int
    private let asyncOptions: AsyncOptions?
    private let http = HTTPClient()
    private var lock: Int32 = -1
    private var catalog: SQLiteCatalog?
    private var controller: Controller?
    private var gatekeeper: Gatekeeper?
    private var rounds: Task<Void, Never>?
    /// Every route, and who may take it; empty before the start.
    private(set) var routes: [RouteRule] = []
    private var groups = ControlGroups()
    private var calls: AsyncCalls?
    private var observation: Observation?
    private var server: (group: ServiceGroup, task: Task<Void, any Error>, listener: Listener)?
    private var certificateWatch: Task<Void, any Error>?

    /// - Parameters:
    ///   - folder: the data folder.
    ///   - config: path of the configuration; nil for `hub.json` in the data folder.
    ///   - drainGrace: longest wait for running calls at the end.
    ///   - queueBound: most calls that wait for one version of a function, from 1.
    public init(
        folder: String, config: String? = nil, logger: Logger, drainGrace: Duration = Hub.drainGrace,
        queueBound: Int = Hub.queueBound
    ) {
        self.init(
            folder: folder, config: config, logger: logger, drainGrace: drainGrace, queueBound: queueBound,
            asyncOptions: nil)
    }

    /// - Parameter asyncOptions: nil for what the configuration says.
    init(
        folder: String, config: String? = nil, logger: Logger, drainGrace: Duration, queueBound: Int,
        asyncOptions: AsyncOptions?
    ) {
        self.asyncOptions = asyncOptions
        data = DataFolder(path: folder)
        configFile = config ?? data.config
        self.drainGrace = drainGrace
        self.queueBound = queueBound
        self.logger = logger
    }

    /// Starts everything; returns when the server listens.
    /// - Returns: the TCP port.
    /// - Throws: `StartFailure`, or what the disk, the catalog or the socket says.
    public func start() async throws -> Int {
        let data = data
        let configFile = configFile
        let config = try await BlockingWork.run { try HubConfig.read(path: configFile) }
        lock = try await BlockingWork.run { try data.lock(as: .hub) }
        do {
            return try await start(config)
        } catch {
            await stop()
            throw error
        }
    }

    private func start(_ config: HubConfig) async throws -> Int {
        let data = data
        let ledger = InstanceLedger(data: data)
        let containers = ContainerHost(data: data, config: config, http: http)
        await containers.clear(logger)
        let leftovers = try await ledger.reapLeftovers()
        if leftovers > 0 { logger.notice("Killed \(leftovers) function processes that an earlier hub left behind") }
        try await BlockingWork.run {
            try data.create(data.logs, mode: 0o700)
            try data.create(data.bootstrap)
            try data.create(data.functions)
            try data.keepPrivate(data.catalog)
            try data.keepPrivate(data.calls)
            WarmSlot.sweep(data)
            for starter in FunctionSpec.Runtime.allCases.compactMap(\.program.starter) {
                try data.write(starter.bytes, to: "\(data.bootstrap)/\(starter.name)", mode: 0o644)
            }
        }
        let catalog = try await SQLiteCatalog.open(path: data.catalog)
        self.catalog = catalog
        let backups = Backups(data: data, catalog: catalog, cluster: config.cluster)
        try await backups.clear()
        if try await Controller.finishRestore(in: data, catalog) {
            logger.notice("Finished a restore that an earlier hub had begun")
        }
        // After the catalog is there: one of the trials tries to read it.
        let (sandbox, isolation) = try await SandboxProbe(data: data).run()
        groups = sandbox.groups
        if !isolation.files.inForce {
            logger.warning("Functions can read each other's files", metadata: ["why": "\(isolation.files.how)"])
        }
        let certificate = try await BlockingWork.run {
            try config.tls.map { try ServerCertificate(file: "\(data.path)/\($0.file)") }
        }
        let delivery = Delivery(client: http)
        let observation = try await Observation.open(
            data, config: config, logger: logger,
            certificateEnd: { certificate?.present.expires.timeIntervalSince1970 },
            post: { await delivery.post($0) })
        self.observation = observation
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        let dependencies = DependencyCache(
            data: data, searchPath: path, sandbox: sandbox, indexes: config.dependencies ?? .init())
        let store = VersionStore(data: data, searchPath: path, sandbox: sandbox)
        let controller = Controller(
            catalog: catalog, store: store, ledger: ledger, containers: containers, dependencies: dependencies,
            warm: WarmPool(store: store, ledger: ledger, bounds: WarmPlan.Bounds(config.warm)),
            observation: observation, queueBound: queueBound, logger: logger)
        self.controller = controller
        try await controller.load()
        let calls = try await openCalls(config, controller, observation)
        let gatekeeper = try await Gatekeeper(config: config, store: catalog)
        self.gatekeeper = gatekeeper
        let logger = logger
        rounds = Task {
            await gatekeeper.run { logger.error("The catalog does not take when tokens were used: \($0)") }
        }
        let interface = HubRouter(
            config: config, controller: controller, gatekeeper: gatekeeper, audit: catalog, backups: backups,
            calls: calls, observation: observation, isolation: isolation, certificate: certificate,
            startedAt: Date().timeIntervalSince1970
        ).router()
        routes = interface.rules
        let port = try await listen(config, interface.router, certificate)
        observation.start(controller)
        let identity = ProcessIdentity.current
        let note = PidNote(pid: identity.pid, startTime: identity.startTime, port: port)
        try await BlockingWork.run { try data.write(try HubJSON.encode(note), to: data.pidFile, mode: 0o644) }
        logger.info("The hub listens", metadata: ["host": "\(config.host)", "port": "\(port)"])
        return port
    }

    private func openCalls(_ config: HubConfig, _ controller: Controller, _ observation: Observation) async throws
        -> AsyncCalls
    {
        let calls = AsyncCalls(
            store: try await SQLiteCallStore.open(path: data.calls),
            options: asyncOptions ?? AsyncOptions(config.calls),
            delivery: Delivery(rules: DeliveryRules(allow: config.callbacks?.allow), client: http), logger: logger,
            functions: { await controller.callsAtOnce() }, report: { observation.called($0) },
            execute: { try await controller.call($0, $1) })
        self.calls = calls
        try await calls.start()
        return calls
    }

    private func listen(
        _ config: HubConfig, _ router: Router<HubContext>, _ certificate: ServerCertificate?
    ) async throws -> Int {
        if let certificate { certificateWatch = Task { [logger] in try await certificate.watch(logger) } }
        let (channels, announce) = AsyncThrowingStream.makeStream(of: (any Channel).self)
        let application = Application(
            router: router, server: certificate.map(HTTPServerBuilder.tls) ?? .plain(),
            configuration: .init(
                address: .hostname(config.host, port: config.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(OpenFiles.raise())),
            onServerRunning: { announce.yield($0) }, logger: logger)
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: application)], logger: logger))
        let task = Task(executorPreference: EventLoops.tasks) {
            do {
                try await group.run()
                announce.finish()
            } catch {
                announce.finish(throwing: error)
                throw error
            }
        }
        do {
            for try await channel in channels {
                server = (group, task, Listener(channel: channel))
                return channel.localAddress?.port ?? 0
            }
        } catch {
            throw StartFailure("The hub cannot listen on \(config.host) port \(config.port): \(error)")
        }
        throw StartFailure("The server ended before it listened.")
    }

    /// Ends in order: no new calls, the running ones finish, the server closes, the functions stop.
    public func stop() async {
        let begun = ContinuousClock.now
        await calls?.close()
        await controller?.drain(grace: drainGrace)
        // Before the server, so a call that outlives the grace still gets its answer.
        await controller?.stop()
        await observation?.stop()
        if let server {
            await server.listener.turnAway()
            await server.group.triggerGracefulShutdown()
            // A client that keeps its connection open does not keep the hub up. One that is being answered has what the
            // running calls have left: whoever stops the hub waits for two seconds more than for those.
            let left = min(max(drainGrace + .seconds(1) - (.now - begun), .seconds(1)), .seconds(3))
            let cut = Task {
                try await Task.sleep(for: left)
                server.task.cancel()
            }
            _ = try? await server.task.value
            cut.cancel()
        }
        // What ran has its end, and the last synchronous calls are answered.
        await calls?.stop()
        certificateWatch?.cancel()
        rounds?.cancel()
        try? await gatekeeper?.tidy()
        let data = data
        let catalog = catalog
        let lock = lock
        let groups = groups
        try? await BlockingWork.run {
            groups.sweep()
            try? catalog?.close()
            guard lock >= 0 else { return }
            data.remove(data.pidFile)
            close(lock)
        }
        (self.server, self.controller, self.calls, self.observation) = (nil, nil, nil, nil)
        (gatekeeper, rounds) = (nil, nil)
        (self.catalog, self.lock) = (nil, -1)
    }
}
