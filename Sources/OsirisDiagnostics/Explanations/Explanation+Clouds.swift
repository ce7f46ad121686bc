extension Explanation {
    /// Targets in a cloud.
    static let clouds: [DiagnosticCode: Explanation] = [
        .cloudCredentials: Explanation(
            "there are no credentials for a target, or the cloud does not take them",
            cause: "no profile; expired; another account",
            fix: "see the message, which names what was tried",
            example: "aws: {profile: staging}  # which ~/.aws/config does not have"),
        .cloudNotAllowed: Explanation(
            "the credentials do not allow a call",
            cause: "a policy without it",
            fix: "[a policy that is enough](providers/aws.md#permissions)",
            example: "osiris plan              # with a policy that only reads"),
        .cloudMissing: Explanation(
            "an image is not there, or a zone does not offer the type",
            cause: "another region; a type of another generation",
            fix: "see the message",
            example: "machines: {count: 1, type: t3.small, image: ami-0fromanotherregion}"),
        .cloudTaken: Explanation(
            "somebody has a name that the target needs",
            cause: "another cluster of this name; a name made by hand",
            fix: "remove it, or take another name",
            example: "name: use1               # a key pair of that name was imported by hand"),
        .cloudQuota: Explanation(
            "the account may not have as much as the plan makes",
            cause: "a quota of the region; networks and addresses that nobody uses",
            fix: "remove what is not needed, or ask for a higher quota",
            example: "machines: {count: 200, type: c7i.4xlarge, image: debian-12}  # 3,200 vCPUs of 32"),
    ]
}
