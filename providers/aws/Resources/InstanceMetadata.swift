import OsirisModel
import OsirisTransport

/// The options of an instance's metadata service
/// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMetadataOptionsResponse.html).
enum InstanceMetadata {
    static let fields = [
        Field(
            "metadataTokens", .choice(["required", "optional"]), default: "required",
            doc: "Whether its metadata service wants a token of version 2, which keeps functions out."),
        Field(
            "metadataHops", .int(1...64), default: 1,
            doc: "Over how many hops its metadata service answers; one keeps containers out."),
        Field(
            "metadataEndpoint", .choice(["enabled", "disabled"]), default: "enabled",
            doc: "Whether it has a metadata service, which its first start needs."),
    ]

    /// What a listing says. What it does not say is as by default, but for tokens: without a word nobody asks for them.
    static func attributes(_ item: XMLNode) -> Attributes {
        var found: Attributes = ["metadataTokens": .string(item.word("metadataOptions/httpTokens") ?? "optional")]
        found["metadataHops"] = item.word("metadataOptions/httpPutResponseHopLimit").flatMap { Int($0) }.map(Value.int)
        found["metadataEndpoint"] = item.word("metadataOptions/httpEndpoint").map(Value.string)
        return found
    }

    /// All options as they are planned, by their names in a call.
    static func options(_ planned: Attributes) -> [String: String] {
        let names = [
            "metadataTokens": "HttpTokens", "metadataHops": "HttpPutResponseHopLimit",
            "metadataEndpoint": "HttpEndpoint",
        ]
        var options: [String: String] = [:]
        for field in fields {
            guard let name = names[field.name], let value = planned[field.name] ?? field.defaultValue else { continue }
            options[name] = value.stringValue ?? value.intValue.map(String.init)
        }
        return options
    }
}
