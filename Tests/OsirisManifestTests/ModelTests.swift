import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import Testing

@Suite("From manifest to model")
struct ModelTests {
    let folder = casesFolder + "/good-full"

    @Test("every key arrives")
    func full() throws {
        let loaded = load([folder + "/manifest.yaml"])
        #expect(loaded.diagnostics.isEmpty)
        let cluster = try #require(loaded.cluster)
        #expect(cluster.name == "edge")
        #expect(cluster.folder == folder)
        #expect(cluster.hub.archive == "images/osiris-hub.tar")
        #expect(cluster.hub.image == nil)
        #expect(cluster.hub.port == 9090)
        #expect(cluster.safety.maxDeletes == 5)
        #expect(cluster.safety.protect == ["rack/*"])
        #expect(
            cluster.rollout
                == RolloutSpec(
                    canary: 2, maxUnavailable: .percent(10), gate: .none, onFailure: .continue,
                    pauseMilliseconds: 90_000))
        #expect(cluster.functions.map(\.name) == ["hello", "again", "tick"])
        let hello = cluster.functions[0]
        #expect(hello.namespace == "demo")
        #expect(hello.sourceFolder == folder + "/functions/hello")
        #expect(hello.sourceDigest?.hasPrefix("sha256:") == true)
        #expect(hello.handler == "hello.handle")
        #expect(!hello.alwaysOn)
        #expect(hello.scale == .init(min: 3, max: 8, concurrency: 4, idleMilliseconds: 90_000))
        #expect(
            hello.limits
                == .init(
                    timeoutMilliseconds: 90_000, outputBytes: 65_536, memoryBytes: 128 << 20, processorThousandths: 500,
                    processes: 16, openFiles: 64, diskBytes: 16 << 20))
        #expect(!hello.network)
        #expect(hello.env == ["GREETING": "hi from eu-1", "RETRIES": "3", "DEBUG": "true", "LITERAL": "${x}"])
        #expect(hello.placement == ["rack"])
        let smoke = try #require(hello.smoke)
        #expect(smoke.input == ["name": "Ada"])
        #expect(smoke.expect == ["greeting": "hi Ada"])
        #expect(smoke.withinMilliseconds == 500)
    }

    @Test("settings of the hub arrive in the form of its hub.json")
    func settings() throws {
        let settings = HubSpec.Settings.self
        #expect(Set(settings.keys) == ["rates", "calls", "callbacks", "dependencies", "engine", "warm"])
        let cluster = try #require(load([casesFolder + "/good-hub-settings/manifest.yaml"]).cluster)
        #expect(
            cluster.hub.settings.fields == [
                "rates": ["token": ["perSecond": 50, "burst": 100], "failures": ["perSecond": .double(0.5)]],
                "calls": ["resultHours": .double(0.5), "recordHours": 48, "most": 10],
                "callbacks": ["allow": ["*.inner.example"]],
                "dependencies": ["pipIndex": "https://pypi.example/simple"],
                "engine": ["socket": "/run/podman/podman.sock"], "warm": ["each": 2, "bytes": 1_048_576],
            ])
    }

    @Test("merge keys, defaults and absent keys")
    func derived() throws {
        let cluster = try #require(load([folder]).cluster)
        let again = cluster.functions[1]
        #expect(again.env == ["GREETING": "hello"])
        #expect(again.scale == cluster.functions[0].scale)
        let tick = cluster.functions[2]
        #expect(tick.namespace == "default")
        #expect(tick.runtime == .command)
        #expect(tick.command == ["date", "+%s"])
        #expect(tick.sourceFolder == nil)
        #expect(tick.alwaysOn)
        #expect(tick.scale == .init())
        #expect(tick.limits == .init())
        #expect(tick.limits.timeoutMilliseconds == 10_000 && tick.limits.outputBytes == 1 << 20)
        #expect(tick.network)
        #expect(tick.smoke == nil)
        #expect(tick.placement == nil)
    }

    @Test("targets keep their provider's settings, defaults filled in")
    func targets() throws {
        let cluster = try #require(load([folder]).cluster)
        #expect(cluster.targets.map(\.name) == ["rack", "here"])
        let simulate = try #require(cluster.targets[0].settings["simulate"]?.mapValue)
        #expect(simulate["latency"] == 20)
        #expect(simulate["jitter"] == 0)
        #expect(simulate["store"] == "sim/fleet.jsonl")
        #expect(simulate["faults"]?.mapValue?["throttle"] == .double(0.05))
        #expect(simulate["faults"]?.mapValue?["vanish"] == .double(0))
        #expect(cluster.targets[0].settings["machines"] == ["count": 4])
        #expect(cluster.targets[1].settings == ["engine": "process"])
    }

    @Test("secrets stay secrets, alone and inside longer text")
    func secrets() throws {
        let hello = try #require(load([folder]).cluster).functions[0]
        for value in hello.secrets.values {
            guard case .secret = value else {
                Issue.record("a secret in the clear")
                continue
            }
        }
        #expect(hello.secrets["API_KEY"]?.stringValue == "hunter2")
        #expect(hello.secrets["URL"]?.stringValue == "https://u:hunter2@example/")
    }

    @Test("places are exact")
    func places() throws {
        let file = folder + "/manifest.yaml"
        let cluster = try #require(load([file]).cluster)
        let hello = cluster.functions[0].spans
        #expect(hello["handler"].description == "\(file):20:16")
        #expect(hello["handler"].end == SourcePosition(line: 20, column: 28))
        #expect(hello["env.RETRIES"].description == "\(file):25:57")
        #expect(hello["scale.min"].description == "\(file):22:20")
        #expect(hello["scale.max"].description == "\(file):22:45")
        #expect(hello["scale.most"].description == "\(file):22:14")
        #expect(hello.whole.start.line == 15)
        #expect(cluster.targets[0].spans["machines.count"].description == "\(file):40:25")
        #expect(cluster.hub.spans["port"].description == "\(file):13:11")
        #expect(cluster.spans["metadata.name"].description == "\(file):5:9")
        #expect(cluster.spans["spec.targets.1"].description == "\(file):42:7")
        #expect(cluster.safety.spans["protect.0"].description == "\(file):36:37")
    }

    @Test("the least a manifest may say")
    func minimal() throws {
        let cluster = try #require(load([casesFolder + "/good-minimal"]).cluster)
        #expect(cluster.hub.port == 8080)
        #expect(cluster.functions.isEmpty)
        #expect(cluster.targets.isEmpty)
        #expect(cluster.safety.maxDeletes == nil)
    }

    @Test("the digest covers text, variables and sources")
    func digest() throws {
        let first = try #require(load([folder]).cluster).digest
        #expect(load([folder]).cluster?.digest == first)
        #expect(load([folder], variables: ["region": "eu-2"]).cluster?.digest != first)
        #expect(load([folder], environment: ["API_KEY": "other"]).cluster?.digest != first)
        #expect(first.hasPrefix("sha256:"))
        #expect(!first.contains("hunter2"))
    }
}
