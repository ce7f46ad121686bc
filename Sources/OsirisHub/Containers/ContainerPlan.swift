import Foundation
import OsirisModel

/// What a container is asked to be: the body of `POST /containers/create`. Plain.
struct ContainerPlan: Sendable {
    var spec: FunctionSpec
    /// The engine's id of the image.
    var image: String
    /// The function's own variables.
    var environment: [String: String]
    var labels: [String: String]
    /// Most processes of the container's user on the whole machine; nil for the engine's own bound.
    var userProcesses: Int? = Self.mostUserProcesses

    var port: Int { spec.port ?? 8080 }
    /// The port as the engine writes it.
    var portName: String { "\(port)/tcp" }
    var name: String { "osiris-\(spec.name.namespace)-\(spec.name.name)-\(labels["osiris.instance"] ?? "")" }

    var value: Value {
        let limits = spec.limits
        let all = environment.merging(["PORT": String(port)]) { $1 }
        var host: [String: Value] = [
            "ReadonlyRootfs": true,
            "Tmpfs": ["/tmp": .string("rw,nosuid,nodev,mode=1777,size=\(limits.mostDiskBytes)")],
            "PidsLimit": .int(limits.mostProcesses),
            "Ulimits": .list(ulimits),
            "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"],
            "PortBindings": .map([portName: [["HostIp": "127.0.0.1", "HostPort": ""]]]),
            // Signals and zombies are looked after; the image's program need not be made for being the first process.
            "Init": true,
        ]
        if let memory = limits.memoryBytes {
            host["Memory"] = .int(memory)
            // Together with swap: none beyond the memory.
            host["MemorySwap"] = .int(memory)
        }
        if let cpu = limits.cpuThousandths { host["NanoCpus"] = .int(cpu * 1_000_000) }
        var body: [String: Value] = [
            "Image": .string(image),
            "Env": .list(all.sorted { $0.key < $1.key }.map { .string("\($0.key)=\($0.value)") }),
            "Labels": .map(labels.mapValues { .string($0) }), "ExposedPorts": .map([portName: [:]]),
            "HostConfig": .map(host),
        ]
        if !spec.command.isEmpty { body["Cmd"] = .list(spec.command.map { .string($0) }) }
        return .map(body)
    }

    private var ulimits: [Value] {
        var limits = [("nofile", spec.limits.mostOpenFiles)]
        if let userProcesses { limits.append(("nproc", userProcesses)) }
        return limits.map { ["Name": .string($0), "Soft": .int($1), "Hard": .int($1)] }
    }

    /// No more processes than this exist on the machine, so it takes nothing away. Podman's own default is more, which
    /// it cannot set where it is bound itself.
    private static var mostUserProcesses: Int? {
        let text = FileManager.default.contents(atPath: "/proc/sys/kernel/pid_max") ?? Data()
        let most = Int(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
        var limit = rlimit()
        // RLIMIT_NPROC, whose type differs between C libraries.
        guard let most, getrlimit(__rlimit_resource_t(6), &limit) == 0 else { return most }
        return limit.rlim_max < rlim_t(most) ? Int(limit.rlim_max) : most
    }
}
