import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What an account may have in a region, as far as it can be asked, against what a plan makes.
struct AWSQuotas: Sendable {
    private let client: AWSClient
    private let place: AWSPlace

    init(_ client: AWSClient, _ place: AWSPlace) { (self.client, self.place) = (client, place) }

    /// One limit, and what there would be.
    struct Excess: Sendable {
        /// Such as `networks`.
        var what: String
        var limit: Int
        var wanted: Int
    }

    /// Networks that are there count as well, unless they have the marks of those to be made.
    /// - Returns: nil if they have room.
    /// - Throws: `AWSError`, also if the credentials do not allow to ask.
    func networks(_ new: Set<ResourceAddress>) async throws -> Excess? {
        async let limit = quota("vpc", "L-F678F1CE")
        async let present = client.list("DescribeVpcs", items: "vpcSet", at: place)
        return excess("networks", limit: try await limit, wanted: Self.others(try await present, new) + new.count)
    }

    /// Elastic addresses, as above.
    func addresses(_ new: Set<ResourceAddress>) async throws -> Excess? {
        let name = "vpc-max-elastic-ips"
        async let answer = client.list(
            "DescribeAccountAttributes", ["AttributeName.1": name], items: "accountAttributeSet", at: place)
        async let present = client.list("DescribeAddresses", items: "addressesSet", at: place)
        let attribute = try await answer.first { $0.text("attributeName") == name }
        let limit = attribute?.items("attributeValueSet").first?.text("attributeValue").flatMap { Int($0) }
        return excess("elastic addresses", limit: limit, wanted: Self.others(try await present, new) + new.count)
    }

    private static func others(_ items: [XMLNode], _ new: Set<ResourceAddress>) -> Int {
        items.count { item in !(CloudMarks(item).map { new.contains($0.address) } ?? false) }
    }

    /// Processors of on-demand machines of the families that share a quota, without those that run already: these are of
    /// types of their own.
    /// - Parameter machines: how many of each instance type.
    func processors(_ machines: [String: Int]) async throws -> Excess? {
        let standard = machines.filter { $0.key.first.map { "acdhimrtz".contains($0) } ?? false }
        guard !standard.isEmpty else { return nil }
        async let limit = quota("ec2", "L-1216C47A")
        var parameters = QueryParameters()
        parameters.list("InstanceType", standard.keys.sorted())
        async let types = client.list("DescribeInstanceTypes", parameters, items: "instanceTypeSet", at: place)
        let wanted = try await types.reduce(0) { sum, type in
            let each = type.text("vCpuInfo/defaultVCpus").flatMap { Int($0) } ?? 0
            return sum + each * (standard[type.text("instanceType") ?? ""] ?? 0)
        }
        return excess("vCPUs of standard machines", limit: try await limit, wanted: wanted)
    }

    private func excess(_ what: String, limit: Int?, wanted: Int) -> Excess? {
        guard let limit, wanted > limit else { return nil }
        return Excess(what: what, limit: limit, wanted: wanted)
    }

    /// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
    private func quota(_ service: String, _ code: String) async throws -> Int? {
        let answer = try await client.json(
            "GetServiceQuota", ["ServiceCode": .string(service), "QuotaCode": .string(code)],
            target: "ServiceQuotasV20190624", service: .quotas, at: place)
        return switch answer["Quota"]?.mapValue?["Value"] {
        case .int(let number): number
        case .double(let number): Int(exactly: number.rounded(.down))
        default: nil
        }
    }
}
