/// What a host must have for what is planned on it.
public struct HostWishes: Sendable, Hashable {
    /// The cluster that the host must be free for or belong to.
    public var cluster: String
    /// The host's resource, `TARGET/host.NAME`.
    public var address: String
    /// The name that its marker still has, if it is renamed.
    public var formerAddress: String?
    /// Processors the image runs on, as `uname -m` has them; empty where that is not known.
    public var archs: Set<String>
    /// The hub's port.
    public var port: Int
    /// `podman`, `docker` or `auto`.
    public var engine: String
    /// Whether an engine that is not there is installed from the distribution's packages.
    public var installsEngine: Bool
    /// Packages that it is installed from instead.
    public var packages: EnginePackages?
    /// A package source for it, beside those of the host.
    public var repository: EngineRepository?
    /// Bytes that must be available below osiris's folder, and in memory at all.
    public var diskFree: Int
    public var memory: Int

    public init(
        cluster: String, address: String, archs: Set<String> = [], port: Int, engine: String = "auto",
        installsEngine: Bool = true, packages: EnginePackages? = nil, repository: EngineRepository? = nil,
        diskFree: Int = 1 << 30, memory: Int = 256 << 20
    ) {
        self.cluster = cluster
        self.address = address
        self.archs = archs
        self.port = port
        self.engine = engine
        self.installsEngine = installsEngine
        self.packages = packages
        self.repository = repository
        self.diskFree = diskFree
        self.memory = memory
    }
}
