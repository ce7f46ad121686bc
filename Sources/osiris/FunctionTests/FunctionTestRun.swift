import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisRender
import OsirisTransport

/// Deploys functions to a hub of their own and runs their tests.
struct FunctionTestRun {
    let cluster: Cluster
    let hub: TemporaryHub
    /// Deploys, by the same way as an apply.
    let handler: any ResourceHandler
    let http: any HTTPSending
    /// Only cases whose name has this in it; nil for all.
    let filter: String?

    /// All groups at once, as far as the hub starts them.
    /// - Parameter onResult: told each result as it comes, one at a time.
    func run(
        _ groups: [FunctionTestGroup], onResult: (FunctionTestResult) -> Void
    ) async -> [FunctionTestResult] {
        var results: [FunctionTestResult] = []
        await withTaskGroup(of: [FunctionTestResult].self) { tasks in
            for (index, group) in groups.enumerated() {
                tasks.addTask { await run(group, folder: "\(hub.folder)/sources/\(index)") }
            }
            for await some in tasks {
                // A filter cannot choose among unit tests before they ran.
                let chosen = some.filter { result in filter.map(result.name.contains) ?? true }
                for result in chosen { onResult(result) }
                results += chosen
            }
        }
        return results
    }

    private func run(_ group: FunctionTestGroup, folder: String) async -> [FunctionTestResult] {
        let label = "\(group.function.namespace)/\(group.function.name)"
        func failed(_ name: String, _ text: String, _ span: SourceSpan? = nil) -> FunctionTestResult {
            FunctionTestResult(function: label, name: name, seconds: 0, problems: [.init(text, at: span)])
        }
        let deployed: FunctionSpec
        do {
            deployed = try await deploy(group, folder: folder)
        } catch {
            let text = "the function could not be deployed: \((error as? ProviderError)?.message ?? "\(error)")"
            switch group.work {
            case .cases(let cases): return cases.map { failed($0.name, text, $0.spans.whole) }
            case .unitTests: return [failed("unit tests", text)]
            }
        }
        let client = FunctionTestClient(function: deployed, label: label, hub: hub, http: http)
        switch group.work {
        case .unitTests: return await client.unitTests()
        case .cases(let cases):
            var results = [FunctionTestResult?](repeating: nil, count: cases.count)
            await withTaskGroup(of: (Int, FunctionTestResult).self) { tasks in
                for (index, test) in cases.enumerated() {
                    // A call that waits for an instance loses time that the function does not.
                    if index >= FunctionTestGroup.parallelism, let (done, result) = await tasks.next() {
                        results[done] = result
                    }
                    tasks.addTask { (index, await client.run(test)) }
                }
                for await (done, result) in tasks { results[done] = result }
            }
            return results.compactMap(\.self)
        }
    }

    private func deploy(_ group: FunctionTestGroup, folder: String) async throws -> FunctionSpec {
        let function = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try group.deployable(in: folder) })
            }
        }
        var cluster = cluster
        cluster.functions = [function]
        let address = ResourceAddress(
            target: "tests", type: "function", name: "tests.\(function.namespace).\(function.name)")
        _ = try await handler.create(
            OperationRequest(
                cluster: cluster, address: address, planned: FunctionResource.arguments(function), prior: [:],
                ancestors: [hub.attributes], token: UUID().uuidString))
        return function
    }
}
