import OsirisModel

extension CloudTarget {
    /// The keys of a target, those of one cloud alone last, under its name.
    /// - Parameters:
    ///   - cloud: such as `aws`.
    ///   - regionExample, typeExample, imageDoc: as this cloud spells them.
    ///   - own: what only this cloud has.
    public static func schema(
        of cloud: String, regionExample: String, typeExample: String, imageDoc: String, imageExample: String,
        own: Schema
    ) -> Schema {
        Schema([
            Field(
                "region", .string, required: true, doc: "Where the target is, as the cloud spells it.",
                example: regionExample),
            Field(
                "network",
                .object(
                    Schema([
                        Field(
                            "cidr", .string, required: true,
                            doc: "Addresses of the network, a /16 to a /24; those of two targets may not overlap.",
                            example: "10.20.0.0/16"),
                        Field(
                            "subnets", .int(1...16), default: 1,
                            doc:
                                "How many subnets, 1-16. Each has a 16th of the network; machines are spread over them.",
                            example: "2"),
                    ])), required: true, doc: "The network of the machines.",
                example: "{cidr: 10.20.0.0/16, subnets: 2}"),
            Field(
                "machines",
                .object(
                    Schema([
                        Field("count", .int(0...1000), required: true, doc: "How many, 0-1000.", example: "3"),
                        Field(
                            "type", .string, required: true, doc: "Their size, as the cloud spells it.",
                            example: typeExample),
                        Field("image", .string, required: true, doc: imageDoc, example: imageExample),
                        Field(
                            "disk", .size,
                            doc: "Size of the disk, a whole number of GiB; when absent, what the image has.",
                            example: "20Gi"),
                        Field(
                            "publicAddress", .bool, default: true,
                            doc: "Whether machines have an address on the internet.", example: "true"),
                    ])), required: true, doc: "The machines, all alike; they are called m1, m2 and so on.",
                example: "{count: 3, type: \(typeExample), image: \(imageExample)}"),
            Field(
                "access",
                .object(
                    Schema([
                        Field(
                            "ssh",
                            .object(
                                Schema([
                                    Field(
                                        "from", sources, default: [],
                                        doc: "Who may log in; who runs osiris must be among them.",
                                        example: "[203.0.113.0/24]"),
                                    Field(
                                        "publicKey", .path(mustExist: .file),
                                        doc: "File with the public key that may log in.", example: "keys/ops.pub"),
                                    Field(
                                        "user", .string,
                                        doc: "Who logs in; without it the user that the image's maker has chosen.",
                                        example: "admin"),
                                    Field(
                                        "identity", .string,
                                        doc:
                                            "Path of the private key; without it as OpenSSH does it, an agent included.",
                                        example: "~/.ssh/id_ed25519"),
                                ])), doc: "Logins over SSH, by which hubs are brought and changed; nobody when absent.",
                            example: "{from: [203.0.113.0/24], publicKey: keys/ops.pub}"),
                        Field(
                            "hub",
                            .object(
                                Schema([
                                    Field(
                                        "from", sources, required: true,
                                        doc: "Who may call functions.",
                                        example: "[0.0.0.0/0]")
                                ])), required: true, doc: "Calls of the hub's API, at the port of `spec.hub`.",
                            example: "{from: [0.0.0.0/0]}"),
                    ])), required: true, doc: "Who may reach the machines; nobody else can.",
                example: "{hub: {from: [0.0.0.0/0]}}"),
            Field(
                "tags", .map(of: .string), default: [:], doc: "Put on everything of the target.",
                example: "{team: edge}"),
            Field(cloud, .object(own), default: [:], doc: "What only this cloud has.", example: "{}"),
        ])
    }

    private static let sources = FieldType.list(of: .string)
}
