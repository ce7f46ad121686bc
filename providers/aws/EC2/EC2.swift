import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// EC2 as the resource types use it: calls, shared listings, calls made for many objects at once.
struct EC2: Sendable {
    let client: AWSClient
    let listings: Listings
    let book = Book()
    let pace: Pace
    let launches: Launches
    let terminations: Gather<AWSPlace, String, Void>
    let marking: Gather<Marking, String, Void>

    /// The same tags for many objects.
    struct Marking: Hashable, Sendable {
        var place: AWSPlace
        var tags: [String: String]
    }

    init(_ client: AWSClient, pace: Pace = Pace()) {
        self.client = client
        self.pace = pace
        listings = Listings { try await client.items($0) }
        launches = Launches(client)
        terminations = Gather(most: 100) { place, ids in
            var parameters = QueryParameters()
            parameters.list("InstanceId", ids)
            _ = try await client.call("TerminateInstances", parameters, at: place)
        }
        marking = Gather(most: 200) { marking, ids in
            var parameters = QueryParameters()
            parameters.list("ResourceId", ids)
            parameters.tags(marking.tags)
            _ = try await client.call("CreateTags", parameters, at: marking.place)
        }
    }

    /// Where the objects of a target are.
    /// - Parameter recorded: says it for a target that has left the manifest; and the region in any case, as an object
    ///   does not move.
    func place(of address: ResourceAddress, _ recorded: Attributes, in cluster: Cluster) throws -> AWSPlace {
        let target = cluster.targets.first { $0.name == address.target && $0.provider == AWSProvider.kind }
        let account = target.map { AWSAccount($0.settings["aws"]) } ?? AWSAccount(recorded["account"])
        guard let region = recorded["region"]?.stringValue ?? target?.settings["region"]?.stringValue else {
            throw ProviderError(.rejected, "\(address): its region is not known")
        }
        return account.place(region)
    }
}

extension AWSClient {
    /// All objects of a kind that carry the mark of a cluster, in pages.
    func items(_ question: Listings.Question) async throws -> [XMLNode] {
        let marked = "tag:\(CloudMarks.Key.cluster.text)"
        return try await items(question.kind, [marked: [question.cluster]], question.place)
    }

    func items(_ kind: EC2Kind, _ filters: [String: [String]], _ place: AWSPlace) async throws -> [XMLNode] {
        var parameters = kind.parameters
        for (name, values) in filters.merging(kind.filters, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            parameters.filter(name, values.map(Self.literally))
        }
        let items = try await list(kind.action, parameters, items: kind.items, at: place)
        // Instances stand in the reservations they were made by.
        return kind == .instance ? items.flatMap { $0.items("instancesSet") } : items
    }

    /// In a filter `*` and `?` stand for any characters.
    private static func literally(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("*", with: "\\*").replacing("?", with: "\\?")
    }
}
