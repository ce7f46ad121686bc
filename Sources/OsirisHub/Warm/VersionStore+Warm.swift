/// Instances that are started before it is known which function they run.
extension VersionStore {
    /// What a started interpreter must be like to do for a version.
    /// - Parameter dependencies: where what it needs besides its source is; nil for nothing.
    /// - Returns: nil if none does.
    func warmShape(_ entry: CatalogEntry, dependencies: String?) async -> WarmShape? {
        guard let shape = WarmShape(entry.spec, dependencies: dependencies) else { return nil }
        let folder = data.versionFolder(entry.spec.name, entry.version)
        return (try? await BlockingWork.run { WarmSlot.fits(folder) }) == true ? shape : nil
    }

    /// Puts together how an interpreter is started without a function.
    func warmLaunch(_ shape: WarmShape) async throws -> Instance.Launch {
        let runtime = shape.runtime.program
        let starter = sandbox.path(ofStarter: data.starter(of: runtime))
        guard let words = runtime.warmWords(shape.limits, starter: starter) else {
            throw StartFailure("The runtime \(shape.runtime.rawValue) starts nothing without a function.")
        }
        let user = try await takeUser()
        let slot = try await BlockingWork.run { try WarmSlot(in: data) }
        let program = program(shape.runtime, words, own: [:], folder: slot.path, dependencies: shape.dependencies)
        var launch = launch(program, shape.runtime, shape.limits, network: shape.network, user: user)
        launch.slot = slot
        return launch
    }

    /// Gives a version to an interpreter that was started for its shape, as `warmLaunch` says.
    func hand(
        _ entry: CatalogEntry, to instance: Instance, of launch: Instance.Launch, log: any LogSink
    ) async throws -> Instance.Taking {
        guard let slot = launch.slot else { return .gone }
        let own = try await environment(of: entry)
        let folder = data.versionFolder(entry.spec.name, entry.version)
        try await BlockingWork.run { try slot.fill(from: folder) }
        var launch = launch
        (launch.redaction, launch.outputBytes) = (own.redaction, entry.spec.limits.outputBytes)
        let load = WarmLoad(load: .init(handler: entry.spec.handler, env: own.variables))
        return await instance.take(try HubJSON.encode(load), as: launch, log: log)
    }
}
