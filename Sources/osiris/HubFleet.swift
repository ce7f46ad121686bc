import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState
import OsirisTransport

/// Every hub that a command is about, asked the same thing at once: one that is down does not keep the others from it.
struct HubFleet {
    /// What one hub answered, or why it did not.
    struct Reply {
        var hub: ResourceAddress
        var result: Result<HubClient.Answer, Diagnostic>
    }

    private let hubs: [RecordedHub]
    /// In the state without what it takes to ask them.
    private let lost: [ResourceAddress]

    /// - Parameters:
    ///   - target: only hubs of this target.
    /// - Throws: a `Diagnostic` if there is none.
    init(_ snapshot: StateSnapshot, in manifest: ManifestPlace, target: String?) throws {
        let records = snapshot.resources.values.filter {
            $0.address.type == "hub" && (target == nil || $0.address.target == target!)
        }
        .sorted { $0.address < $1.address }
        hubs = records.compactMap { RecordedHub($0, of: snapshot, in: manifest) }
        lost = records.filter { RecordedHub($0, of: snapshot, in: manifest) == nil }.map(\.address)
        if hubs.isEmpty { _ = try RecordedHub.one(snapshot, in: manifest, target: target) }
    }

    /// Asks each hub as its admin.
    /// - Returns: a reply of each, by address; one without an answer is a diagnostic.
    func ask(_ method: String, _ path: String, body: Value? = nil) async -> [Reply] {
        var replies = lost.map { address in
            Reply(
                hub: address,
                result: .failure(
                    Diagnostic(
                        .hubUnreachable, "the token of `\(address)` is lost", address: address.text,
                        help: "`osiris apply` gives the hub a new one; then do this again")))
        }
        await withTaskGroup(of: Reply.self) { group in
            for hub in hubs {
                group.addTask {
                    do {
                        let answer = try await hub.call(
                            method, path, as: .admin, body: body, timeout: .seconds(15), over: Providers.http)
                        return Reply(hub: hub.address, result: .success(answer))
                    } catch let diagnostic as Diagnostic {
                        return Reply(hub: hub.address, result: .failure(diagnostic))
                    } catch {
                        return Reply(
                            hub: hub.address,
                            result: .failure(
                                Diagnostic(.hubUnreachable, "`\(hub.address)`: \(error)", address: hub.address.text)))
                    }
                }
            }
            for await reply in group { replies.append(reply) }
        }
        return replies.sorted { $0.hub < $1.hub }
    }
}

extension HubFleet.Reply {
    /// The answer, if its status is one of these.
    func answer(_ statuses: Set<Int>) throws(Diagnostic) -> HubClient.Answer {
        let answer = try result.get()
        if statuses.contains(answer.status) { return answer }
        throw Diagnostic(
            .hubRefused, "`\(hub)` answered \(answer.status): \(answer.problem)", address: hub.text,
            help: answer.status == 404 ? "the hub may be of an earlier version: `osiris apply`" : nil)
    }
}
