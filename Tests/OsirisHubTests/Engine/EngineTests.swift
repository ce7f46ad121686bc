import Foundation
import OsirisModel
import Synchronization
import Testing

@testable import OsirisHub

/// The hub's client of container engines, against an engine that Docker's own client takes for one.
@Suite struct EngineTests {
    static func configuration(_ labels: [String: String], port: Int = 8080) -> Value {
        [
            "Image": "localhost/app:1", "Env": ["PORT=8080", "GREETING=hi"],
            "Labels": .map(labels.mapValues { .string($0) }),
            "HostConfig": ["PortBindings": ["8080/tcp": [["HostIp": "127.0.0.1", "HostPort": ""]]]],
        ]
    }

    @Test func theTestsEngineIsOneForDockersClient() async throws {
        try await TestEngine.with(["localhost/app:1": .init()]) { engine in
            try await TestEngine.checkWithDockersClient(socket: engine.socket, image: "localhost/app:1")
            #expect(try engine.containers().isEmpty)
        }
    }

    @Test func itTellsWhatItIs() async throws {
        try await TestEngine.with([:]) { test in
            #expect(
                try await test.engine.version() == Engine.Version(name: "Test Engine", version: "0.0", rootless: false))
            try test.set(rootless: true)
            #expect(try await test.engine.version().rootless)
        }
        let gone = Engine(socket: NSTemporaryDirectory() + "osiris-none.sock")
        let failure = await #expect(throws: Engine.Failure.self) { try await gone.version() }
        #expect(failure?.status == 0 && failure?.message.contains("osiris-none.sock") == true)
    }

    @Test func imagesArePulledAndFailuresInTheStreamNoticed() async throws {
        let digest = "localhost/far@sha256:" + String(repeating: "ab", count: 32)
        let images: [String: TestEngine.Image] = [
            "localhost/far:1": .init(id: "sha256:f1", digests: [digest], pulled: true),
            "localhost/denied:1": .init(pulled: true, pullError: "denied: no access"),
        ]
        try await TestEngine.with(images) { test in
            let engine = test.engine
            #expect(try await engine.image("localhost/far:1") == nil)
            try await engine.pull("localhost/far:1")
            #expect(try await engine.image("localhost/far:1") == Engine.Image(id: "sha256:f1", digests: [digest]))
            #expect(try await engine.image(digest)?.id == "sha256:f1")
            let denied = await #expect(throws: Engine.Failure.self) { try await engine.pull("localhost/denied:1") }
            #expect(denied?.message == "localhost/denied:1 cannot be pulled: denied: no access")
            let none = await #expect(throws: Engine.Failure.self) { try await engine.pull("localhost/none:1") }
            #expect(none?.message.contains("manifest unknown") == true)
        }
    }

    @Test func aContainerLivesAndItsLogIsFollowed() async throws {
        try await TestEngine.with(["localhost/app:1": .init()]) { test in
            let engine = test.engine
            let labels = ["osiris.hub": "a", "osiris.instance": "x"]
            let id = try await engine.create(name: "one", Self.configuration(labels))
            #expect(try await engine.container(id)?.running == false)
            try await engine.start(id)
            let port = try #require(try await engine.container(id)?.ports["8080/tcp"])
            let lines = Mutex<[String]>([])
            let frames = Mutex(LogFrames(limit: 1000))
            let follower = Task {
                try await engine.follow(id) { bytes in
                    for (stream, event) in frames.withLock({ $0.feed(bytes) }) {
                        if case .line(let line) = event {
                            lines.withLock { $0.append("\(stream) \(String(decoding: line, as: UTF8.self))") }
                        }
                    }
                }
            }
            let client = Client(port: port)
            try await eventually("it listens") { (try? await client.send("GET", "/x").status) == 200 }
            #expect(try await engine.containers(labels: ["osiris.hub": "a"]) == [id])
            #expect(try await engine.containers(labels: ["osiris.hub": "b"]) == [])
            let waiter = Task { try await engine.wait(id) }
            try await engine.stop(id, grace: 5)
            #expect(try await waiter.value == 7)
            try await follower.value
            #expect(lines.withLock { Set($0) } == ["1 starting", "2 to stderr", "1 call /x", "1 stopping"])
            #expect(try await engine.container(id)?.exitCode == 7)
            try await engine.stop(id, grace: 5)
            try await engine.kill(id)
            try await engine.remove(id)
            try await engine.remove(id)
            #expect(try await engine.container(id) == nil)
            #expect(try await engine.wait(id) == nil)
        }
    }

    @Test func aWaitCanBeCancelled() async throws {
        try await TestEngine.with(["localhost/app:1": .init()]) { test in
            let id = try await test.engine.create(name: "one", Self.configuration([:]))
            try await test.engine.start(id)
            let waiter = Task { try await test.engine.wait(id) }
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
        }
    }
}

/// The parts without I/O.
@Suite struct EnginePartsTests {
    @Test func framesAreCutWhereverTheyBreak() {
        func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
            [stream, 0, 0, 0, 0, 0, 0, UInt8(text.utf8.count)] + text.utf8
        }
        let bytes = frame(1, "one\ntw") + frame(2, "error\n") + frame(1, "") + frame(1, "o\nend") + frame(2, "cut")
        for size in 1...bytes.count {
            var frames = LogFrames(limit: 5)
            var lines: [String] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                for (stream, event) in frames.feed(Array(bytes[start..<min(start + size, bytes.count)])) {
                    if case .line(let line) = event {
                        lines.append("\(stream)" + String(decoding: line, as: UTF8.self))
                    }
                }
            }
            #expect(lines == ["1one", "2error", "1two"], "pieces of \(size)")
            #expect(frames.finish().map { String(decoding: $0, as: UTF8.self) } == ["end", "cut"])
        }
        var short = LogFrames(limit: 3)
        #expect(short.feed(frame(1, "long line\n")).map(\.event) == [.overflow])
    }

    @Test(arguments: [
        ("alpine", "alpine:latest", "alpine", false), ("a.b:5000/x", "a.b:5000/x:latest", "a.b:5000/x", false),
        ("a.b:5000/x:2", "a.b:5000/x:2", "a.b:5000/x", false), ("x@sha256:00", "x@sha256:00", "x", true),
        ("x:1@sha256:00", "x:1@sha256:00", "x:1", true),
    ])
    func referencesAreRead(text: String, full: String, repository: String, byDigest: Bool) {
        let reference = ImageReference(text)
        #expect(reference.text == full && reference.repository == repository && reference.isByDigest == byDigest)
    }

    @Test func theSocketIsLookedForInOrder() {
        let set = ["DOCKER_HOST": "unix:///d.sock", "XDG_RUNTIME_DIR": "/run/user/7"]
        #expect(EngineSocket(configured: "/c.sock", environment: set).candidates == ["/c.sock"])
        #expect(EngineSocket(configured: nil, environment: set).candidates == ["/d.sock"])
        let usual = EngineSocket(configured: nil, environment: ["XDG_RUNTIME_DIR": "/run/user/7"])
        #expect(
            usual.candidates
                == ["/run/podman/podman.sock", "/run/user/7/podman/podman.sock", "/var/run/docker.sock"])
        let far = EngineSocket(configured: nil, environment: ["DOCKER_HOST": "tcp://10.0.0.1:2375"])
        #expect(far.find() == nil && far.missing.contains("DOCKER_HOST"))
        #expect(EngineSocket(configured: "/etc/passwd", environment: [:]).find() == nil)
    }
}
