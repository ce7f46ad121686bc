import OsirisModel

/// Containers: `/containers/…`.
extension Engine {
    /// A container as `inspect` shows it.
    struct Container: Sendable, Equatable {
        var running: Bool
        var exitCode: Int
        /// True if the kernel killed it for its memory.
        var outOfMemory: Bool
        /// Why it could not be started, in the engine's words; empty if it could.
        var error: String
        /// The port of this machine that leads to each port of the container, as in `8080/tcp`.
        var ports: [String: Int]
    }

    /// - Parameter configuration: the body of `POST /containers/create`.
    /// - Returns: its id.
    func create(name: String, _ configuration: Value) async throws -> String {
        let answer = try await json(
            "POST", "/containers/create?name=\(Self.escaped(name))", body: configuration, timeout: .seconds(120))
        guard let id = answer["Id"]?.stringValue else {
            throw Failure(status: 0, message: "the container engine tells no id of the container it made")
        }
        return id
    }

    func start(_ id: String) async throws { try await send("POST", "/containers/\(id)/start", timeout: .seconds(120)) }

    /// - Returns: nil if there is none.
    func container(_ id: String) async throws -> Container? {
        let answer: [String: Value]
        do {
            answer = try await json("GET", "/containers/\(id)/json")
        } catch let failure as Failure where failure.status == 404 {
            return nil
        }
        let state = answer["State"]?.mapValue ?? [:]
        let network = answer["NetworkSettings"]?.mapValue ?? [:]
        var ports: [String: Int] = [:]
        for (port, bindings) in network["Ports"]?.mapValue ?? [:] {
            let host = bindings.listValue?.first?.mapValue?["HostPort"]?.stringValue
            ports[port] = host.flatMap { Int($0) }
        }
        return Container(
            running: state["Running"]?.boolValue ?? false, exitCode: state["ExitCode"]?.intValue ?? 0,
            outOfMemory: state["OOMKilled"]?.boolValue ?? false, error: state["Error"]?.stringValue ?? "",
            ports: ports)
    }

    /// Sends SIGTERM, and SIGKILL after the grace. One that is gone or has ended is fine.
    /// - Parameter grace: seconds.
    func stop(_ id: String, grace: Int) async throws {
        try await whereItIs {
            try await send("POST", "/containers/\(id)/stop?t=\(grace)", timeout: Self.patience + .seconds(grace))
        }
    }

    /// Sends SIGKILL. One that is gone or has ended is fine.
    func kill(_ id: String) async throws {
        try await whereItIs(409) { try await send("POST", "/containers/\(id)/kill?signal=SIGKILL") }
    }

    /// Kills it if it runs, and removes it with its volumes. One that is gone is fine.
    func remove(_ id: String) async throws {
        try await whereItIs { try await send("DELETE", "/containers/\(id)?force=true&v=true", timeout: .seconds(60)) }
    }

    /// Ids of all containers with these labels, whether they run or not.
    func containers(labels: [String: String]) async throws -> [String] {
        let bytes = try await send("GET", "/containers/json?all=true&filters=\(Self.labelFilter(labels))")
        let list = try? Value(plainJSON: bytes).listValue
        return list?.compactMap { $0.mapValue?["Id"]?.stringValue } ?? []
    }

    /// Waits until it does not run.
    /// - Returns: its exit code; nil if it is gone.
    func wait(_ id: String) async throws -> Int? {
        while true {
            do {
                // Longer than libcurl can wait would be none at all.
                let answer = try await json(
                    "POST", "/containers/\(id)/wait?condition=not-running", timeout: .seconds(86_400))
                return answer["StatusCode"]?.intValue ?? 0
            } catch let failure as Failure where failure.status == 404 {
                return nil
            } catch let failure as Failure {
                // The engine may have been started anew under a container that goes on.
                guard let now = try? await container(id) else {
                    if failure.status != 0 { throw failure }
                    try await Task.sleep(for: .seconds(1))
                    continue
                }
                if !now.running { return now.exitCode }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Follows what a container writes, from its start, until it ends.
    /// - Parameter onFrames: gets what `LogFrames` cuts. Runs on the client's thread: it must not block.
    func follow(_ id: String, _ onBytes: @escaping @Sendable ([UInt8]) -> Void) async throws {
        try await send(
            "GET", "/containers/\(id)/logs?follow=true&stdout=true&stderr=true", timeout: .seconds(4_000_000),
            onBody: onBytes)
    }

    private func whereItIs(_ also: Int = 304, _ change: () async throws -> [UInt8]) async throws {
        do {
            _ = try await change()
        } catch let failure as Failure where failure.status == 404 || failure.status == also {
            return
        }
    }
}
