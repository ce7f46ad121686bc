import OsirisManifest
import OsirisModel

/// Two kinds of target, as providers would define them.
enum TestKinds {
    static let all = [local, simulated]

    static let local = TargetKind(
        provider: "local", doc: "The computer that runs osiris.",
        schema: Schema([
            Field(
                "engine", .choice(["process", "podman"]), default: "process", doc: "What runs the hub.",
                example: "podman"),
            Field("port", .int(1...65535), doc: "Overrides the hub's port.", example: "8081"),
        ]))

    static let simulated = TargetKind(
        provider: "simulated", doc: "Machines that exist only on paper.",
        schema: Schema([
            Field(
                "machines",
                .object(
                    Schema([
                        Field(
                            "count", .int(1...100_000), required: true, doc: "How many machines.", example: "3")
                    ])), required: true, doc: "The machines.", example: "{count: 3}"),
            Field(
                "simulate",
                .object(
                    Schema([
                        Field("latency", .duration, default: 0, doc: "Time an operation takes.", example: "20ms"),
                        Field("jitter", .duration, default: 0, doc: "Spread of the latency.", example: "5ms"),
                        Field("seed", .int(0...Int.max), default: 1, doc: "Seed of the randomness.", example: "7"),
                        Field(
                            "store", .path(mustExist: .anything), doc: "Where objects are kept.", example: "sim.jsonl"),
                        Field("faults", .object(faults), doc: "Chances of faults.", example: "{throttle: 0.05}"),
                    ])), doc: "How the machines behave.", example: "{latency: 20ms}"),
        ]))

    private static let faults = Schema(
        ["throttle", "transient", "lostAnswer", "change", "vanish"].map {
            Field($0, .number(0...1), default: .double(0), doc: "Chance of `\($0)`, 0 to 1.", example: "0.05")
        })
}
