import OsirisModel
import OsirisProviderKit

/// The start of a hub, from the free port to its first answer.
struct HubStart: Sendable {
    let address: ResourceAddress
    let folder: HubFolder
    let config: HubConfiguration
    let runner: any HubRunner
    let client: HubClient

    static let longestWait: Duration = .seconds(30)

    func requireFreePort() throws {
        guard Pause.isTaken(port: config.port) else { return }
        throw ProviderError(
            .rejected, "\(address): another program listens on port \(config.port) of 127.0.0.1",
            help: "stop it, or set another `port` for the target", attribute: "port")
    }

    /// Waits until our hub, with our configuration, answers.
    func waitUntilReady(_ hub: AwaitedHub) async throws {
        let deadline = ContinuousClock.now + Self.longestWait
        var last = "no answer yet"
        while ContinuousClock.now < deadline {
            // Before the question: a foreign answer on the port cannot be taken for one of a hub that ended.
            let isRunning = try await hub.isAlive()
            do {
                let health = try await client.call("GET", "/healthz", timeout: .seconds(2))
                let answer = try await client.call("GET", "/system/info", timeout: .seconds(2))
                let generation = answer.json?.mapValue?["generation"]?.stringValue
                if health.status == 200, answer.status == 200, generation == config.generation { return }
                last = answer.status == 200 ? "another configuration answers" : "\(answer.status): \(answer.problem)"
            } catch let failure as HubClient.Failure {
                last = failure.reason
            }
            if !isRunning {
                let log = await hub.log()
                await hub.giveUp()
                throw ProviderError(
                    .rejected, "\(address): the hub ended at its start: \(log)", help: hub.logHelp)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw ProviderError(
            .rejected,
            "\(address): the hub did not answer at \(client.url) within \(Self.longestWait) (\(last)); its log ends: "
                + (await hub.log()), help: hub.logHelp)
    }

    func requireVersion(_ planned: String?) async throws {
        let answer: HubClient.Answer
        do {
            answer = try await client.call("GET", "/system/info")
        } catch let failure as HubClient.Failure {
            throw ProviderError(.transient, "\(address): \(failure.reason)")
        }
        let actual = answer.json?.mapValue?["version"]?.stringValue
        guard actual == planned else {
            throw ProviderError(
                .rejected,
                "\(address): the hub that runs is version \(actual ?? "unknown"), planned was \(planned ?? "any")",
                help: runner.otherVersionHelp)
        }
    }
}
