/// What bounds an instance and keeps it apart on this host, found by trials at the hub's start; `/system/info` shows it.
public struct Isolation: Codable, Sendable, Equatable {
    /// One thing that is in force, or is not.
    public struct Claim: Codable, Sendable, Equatable {
        public var inForce: Bool
        /// By which means, or why not. For people.
        public var how: String
    }

    /// Memory of an instance, or the address space of each of its processes.
    public var memory: Claim
    /// Processes and threads of an instance.
    public var processes: Claim
    /// Open files and sockets of each process.
    public var openFiles: Claim
    /// Largest file.
    public var fileSize: Claim
    /// All files of an instance together.
    public var disk: Claim
    /// Share of the processors.
    public var cpu: Claim
    /// Other functions' files are out of reach.
    public var files: Claim
    /// The hub's catalog, secrets and logs are out of reach.
    public var hubData: Claim
    /// Processes of others, the hub included, cannot be looked into nor signalled.
    public var otherProcesses: Claim
    /// The network can be kept from a function.
    public var network: Claim
}
