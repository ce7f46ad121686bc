import OsirisModel

extension Schema {
    /// What every EC2 type has, around the fields of one.
    static func ec2(_ fields: [Field]) -> Schema {
        Schema(
            fields + [
                Field("region", .string, required: true, forcesReplacement: true, doc: "The region it is in."),
                Field(
                    "account", .map(of: .string), doc: "How its account is reached; absent: as the environment says."),
                Field(
                    "tags", .map(of: .string), default: [:], doc: "Its tags; those that others put on it do not count."),
                Field("marked", .bool, default: true, doc: "Whether it carries the marks of the cluster."),
                Field("id", .string, role: .computed, doc: "Its identity in EC2."),
            ])
    }
}
