import OsirisDiagnostics
import OsirisModel
import OsirisPlanner

/// The plans whose text, JSON and markdown are kept under Cases.
enum SamplePlans {
    static let all: [(name: String, plan: Plan)] = [
        ("empty", Sample.plan(unchanged: 44)),
        ("create", create), ("replace-chain", replaceChain), ("drift-only", driftOnly), ("conflict", conflict),
        ("gone", gone), ("secrets", secrets), ("unknown", unknown), ("long-strings", longStrings),
        ("multi-line", multiLine), ("delete", delete), ("refused", refused), ("hostile", hostile), ("mixed", mixed),
        ("fleet", fleet),
    ]

    static let create = Sample.plan([
        Sample.change(
            "here/hub.here", .create, .added, line: 8, provider: "local",
            [
                Sample.set("port", 8080), Sample.set("status", "running"), Sample.set("token", .unknown),
                Sample.set("url", .unknown), Sample.set("version", "1.0.0"),
            ]),
        Sample.createdFunction("here/function.here.demo.hello", parent: "here/hub.here"),
    ])

    static let replaceChain: Plan = {
        let image = ActionReason.manifestChanged(["image"])
        let engine = Sample.address("rack-a/engine.r1-n01")
        let hub = Sample.address("rack-a/hub.r1-n01")
        let hubReason = ActionReason.parentMade(engine, .replace, image)
        return Sample.plan(
            [
                Sample.change(
                    engine.text, .replace, image, line: 12,
                    [
                        Sample.turn("id", "i-0a1b2c", .unknown),
                        Sample.turn(
                            "image", .string("sha256:" + Sample.digest("a")), .string("sha256:" + Sample.digest("b")),
                            forces: true),
                    ]),
                Sample.change(
                    hub.text, .replace, hubReason, line: 14, [Sample.turn("url", "http://10.0.0.1:8080", .unknown)],
                    parent: engine.text),
                Sample.change(
                    "rack-a/function.r1-n01.demo.hello", .replace, .parentMade(hub, .replace, hubReason), line: 30,
                    [Sample.turn("version", 3, .unknown)], parent: hub.text),
            ], unchanged: 40)
    }()

    static let driftOnly = Sample.plan(
        drift: [
            ResourceDrift(
                address: Sample.address("rack-a/hub.r1-n01"),
                attributes: [Sample.turn("url", "http://10.0.0.1:8080", "http://10.0.0.9:8080")], gone: false)
        ], unchanged: 41)

    static let conflict = Sample.plan(
        [
            Sample.change(
                "here/function.here.demo.hello", .update,
                .manifestChangedAndDrifted(manifest: ["env.GREETING"], drift: ["env.MODE", "limits.timeout"]), line: 24,
                [
                    Sample.turn("env.GREETING", "hey", "hello"), Sample.turn("env.MODE", nil, "fast"),
                    Sample.turn("limits.timeout", 5000, 10000), Sample.turn("version", 7, .unknown),
                ])
        ],
        drift: [
            ResourceDrift(
                address: Sample.address("here/function.here.demo.hello"),
                attributes: [
                    Sample.turn("env.GREETING", "hi", "hey"), Sample.turn("env.MODE", "fast", nil),
                    Sample.turn("limits.timeout", 10000, 5000), Sample.turn("version", 6, 7),
                ], gone: false)
        ], unchanged: 1)

    static let gone = Sample.plan(
        [
            Sample.change(
                "rack-a/hub.r1-n02", .create, .gone, line: 14, [Sample.set("port", 8080), Sample.set("url", .unknown)]),
            Sample.change("rack-a/hub.r1-n03", .delete, .removed, line: 15),
        ],
        drift: [
            ResourceDrift(address: Sample.address("rack-a/hub.r1-n02"), attributes: [], gone: true),
            ResourceDrift(address: Sample.address("rack-a/hub.r1-n03"), attributes: [], gone: true),
        ], unchanged: 1)

    static let secrets = Sample.plan([
        Sample.change(
            "here/function.here.demo.hello", .update, .manifestChanged(["secrets.API_KEY"]), line: 27,
            [
                Sample.turn("secrets.API_KEY", Sample.secret("one"), Sample.secret("two")),
                Sample.turn("secrets.NEW", nil, Sample.secret("three")),
                Sample.turn("secrets.OLD", Sample.secret("four"), nil),
                Sample.turn("servers", .list([Sample.secret("five"), "a"]), .list([Sample.secret("six"), "b"])),
            ])
    ])

    static let unknown = Sample.plan([
        Sample.change(
            "here/function.here.demo.hello", .update, .follows(Sample.address("here/hub.here"), ["env.HUB"]), line: 22,
            [
                Sample.turn("env.HUB", "http://127.0.0.1:8080", .unknown),
                Sample.turn("peers", ["a"], ["a", .unknown]), Sample.turn("version", 4, .unknown),
            ])
    ])

    static let longStrings = Sample.plan([
        Sample.change(
            "rack-a/hub.r1-n01", .update, .manifestChanged(["image", "motd", "path", "tags"]), line: 11,
            [
                Sample.turn(
                    "image", .string("registry.example.com/team/osiris-hub@sha256:" + Sample.digest("4")),
                    .string("registry.example.com/team/osiris-hub@sha256:" + Sample.digest("5"))),
                Sample.turn("motd", "short", .string(String(repeating: "long and windy ", count: 12))),
                Sample.turn(
                    "path", "/srv/functions/production/europe-west/rack-a/r1-n01/current/bin/start",
                    "/srv/functions/production/europe-north/rack-a/r1-n01/current/bin/start"),
                Sample.turn(
                    "tags", .list((1...30).map { .string("t\($0)") }), .list((2...30).map { .string("t\($0)") })),
                Sample.turn("a.very.long.path.that.goes.on.and.on.until.the.line.is.full", "x", "y"),
            ])
    ])

    static let multiLine = Sample.plan([
        Sample.change(
            "here/file.motd", .update, .manifestChanged(["content"]), line: 40,
            [
                Sample.turn(
                    "content", "# Welcome\n\nThis machine is rack 1.\nIt runs osiris.\nBe kind.\n",
                    "# Welcome\n\nThis machine is rack 2.\nIt runs osiris and nothing else.\nBe kind.\nLog out.\n"),
                Sample.turn("mode", 420, 493),
            ]),
        Sample.change(
            "here/file.script", .create, .added, line: 44,
            [Sample.set("content", .string((1...20).map { "echo line \($0)\n" }.joined()))]),
    ])

    static let delete = Sample.plan(
        [
            Sample.change(
                "here/function.here.demo.hello", .delete, .removed, line: 20,
                prior: ["env": ["GREETING": "hi"], "token": Sample.secret("one")], parent: "here/hub.here"),
            Sample.change("here/hub.here", .delete, .destroyed, line: nil, prior: ["port": 8080]),
        ], mode: .destroy)

    static let refused = Sample.plan(
        [Sample.change("rack-a/volume.data", .delete, .removed, line: 33)],
        diagnostics: [
            Diagnostic(
                .warning, .resourceUnreadable,
                "`rack-a/hub.r1-n02` cannot be read yet: connect to 10.0.0.2 port 22: timed out",
                help: "taken as recorded; `rack-a/engine.r1-n02` is changed first, plan again after apply")
        ],
        refusals: [
            Diagnostic(
                .protectedResource, "`rack-a/volume.data` is protected and would be deleted", at: Sample.span(5, 15),
                help: "it matches `*/volume.*`; take that line out of the manifest if you mean it")
        ])

    static let hostile = Sample.plan([
        Sample.change(
            "here/function.here.demo.hello", .update, .incomplete("remote said \u{1B}[2Jboo\r\nok"), line: 3,
            [
                Sample.turn("env.A\u{1B}[31m", "plain", "\u{1B}]0;title\u{07}red\u{9B}31m"),
                Sample.turn("env.B", "abc", "a\u{202E}cb"), Sample.turn("env.C", "quote\"d", "back\\slash\ttab"),
                Sample.turn("env.D", "日本語のテキスト", "日本語のテキストです"),
            ])
    ])

    static let mixed = Sample.plan(
        create.changes + replaceChain.changes
            + conflict.changes.map {
                var change = $0
                change.address = Sample.address("lab/function.lab.demo.hello")
                return change
            } + [Sample.change("lab/hub.old", .delete, .removed, line: 18)], unchanged: 40)

    static let fleet: Plan = {
        var changes: [ResourceChange] = []
        for number in 1...12 {
            let machine = "m00" + (number < 10 ? "0" : "") + String(number)
            changes.append(
                Sample.change(
                    "fleet/hub.\(machine)", .update, .manifestChanged(["version"]), line: 6,
                    [
                        Sample.turn("url", .string("http://\(machine):8080"), .unknown),
                        Sample.turn("version", "1.0.0", "1.1.0"),
                    ]))
            for (index, name) in ["hello", "mail", "resize"].enumerated() {
                changes.append(
                    Sample.createdFunction(
                        "fleet/function.\(machine).demo.\(name)", line: 20 + 9 * index, parent: "fleet/hub.\(machine)"))
            }
        }
        return Sample.plan(changes, unchanged: 3)
    }()
}
