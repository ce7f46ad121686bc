import OsirisTransport

extension AWSClient {
    /// Actions that know no pages: they give everything at once.
    private static let unpaged: Set = [
        "DescribeKeyPairs", "DescribeAddresses", "DescribeAvailabilityZones", "DescribeRegions",
        "DescribeAccountAttributes",
    ]
    /// Actions that allow less on a page than others.
    private static let smallPages = ["DescribeRouteTables": 100, "DescribeInstanceTypes": 100]
    private static let page = 1_000

    /// Everything that a listing gives, page after page. Pages are as large as the service allows; one that is asked for by
    /// ids has no pages.
    /// - Parameter items: the path of the list in the answer, such as `vpcSet`.
    /// - Throws: `AWSError`; `CancellationError`.
    public func list(
        _ action: String, _ parameters: QueryParameters = [:], items: String, service: AWSService = .ec2,
        at place: AWSPlace, waitingOut wait: AWSWait? = nil
    ) async throws -> [XMLNode] {
        var parameters = parameters
        let hasIDs = parameters.values.keys.contains { name in
            name.contains("Id.") || ["GroupName.", "InstanceType."].contains { name.hasPrefix($0) }
        }
        if !Self.unpaged.contains(action), !hasIDs, parameters["MaxResults"] == nil {
            parameters["MaxResults"] = "\(Self.smallPages[action] ?? Self.page)"
        }
        var found: [XMLNode] = []
        while true {
            let answer = try await call(action, parameters, service: service, at: place, waitingOut: wait)
            found += answer.items(items)
            guard let token = answer.text("nextToken"), !token.isEmpty else { return found }
            guard token != parameters["NextToken"] else {
                throw AWSError(
                    kind: .rejected, action: action, region: place.region, code: "",
                    message: "the listing gives the same page again and again", status: 200, requestID: nil)
            }
            parameters["NextToken"] = token
        }
    }

    /// Whether these credentials may make a call, by asking for it with `DryRun`.
    /// - Parameter undo: is given the answer of a service that knows no dry run and did it.
    /// - Throws: `AWSError` for any other answer than yes or no.
    public func isAllowed(
        _ action: String, _ parameters: QueryParameters, at place: AWSPlace,
        undo: (XMLNode) async throws -> Void = { _ in }
    ) async throws -> Bool {
        var parameters = parameters
        parameters["DryRun"] = "true"
        do {
            try await undo(try await call(action, parameters, at: place))
            throw AWSError(
                kind: .rejected, action: action, region: place.region, code: "",
                message: "the service did not take it for a dry run", status: 200, requestID: nil)
        } catch let error as AWSError where error.code == "DryRunOperation" {
            return true
        } catch let error as AWSError where error.code == "UnauthorizedOperation" {
            return false
        }
    }
}
