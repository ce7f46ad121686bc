import Foundation
import Testing

/// What a person meets on a bad day: a killed run, a full disk, a folder or a file system that cannot be used.
struct RecoveryTests {
    private static let manifest = """
        apiVersion: osiris.dev/v1
        kind: Cluster
        metadata: {name: fleet}
        spec:
          functions: [{name: f1, namespace: demo, runtime: command, command: [cat]}]
          targets:
            - name: fleet
              provider: simulated
              machines: {count: 20}
              simulate: {latency: 150ms, seed: 7, store: sim.jsonl}

        """

    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.write(Self.manifest, to: "cluster.yaml")
        return scratch
    }

    /// Asks until the addresses of the open intents are as `holds` says; false after a minute.
    private func openIntents(in scratch: Scratch, are holds: ([String]) throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let state = try await Program.run("state", "export", in: scratch.url).json as? [String: Any]
            let intents = state?["intents"] as? [[String: Any]] ?? []
            if try holds(intents.compactMap { $0["address"] as? String }) { return true }
        }
        return false
    }

    private func stateBytes(_ scratch: Scratch) -> [Data] {
        ["state.db", "state.db-wal"].map {
            (try? Data(contentsOf: scratch.url.appendingPathComponent(".osiris/\($0)"))) ?? Data()
        }
    }

    @Test func recoverSettlesAndNothingElse() async throws {
        let scratch = try scratch()
        let store = scratch.url.appendingPathComponent("sim.jsonl")
        let held = open(store.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        let running = try Program.Running(["apply", "--auto-approve"], in: scratch.url)
        // While the store is held here, no create takes effect: one that is begun now stays open.
        #expect(
            await eventually {
                (try? simulatedObjects(store).count) ?? 0 >= 30
            } then: {
                flock(held, LOCK_EX)
            })
        #expect(
            try await openIntents(in: scratch) { open in
                let made = try Set(simulatedObjects(store).values)
                return open.contains { !made.contains($0) }
            })
        kill(running.process.processIdentifier, SIGKILL)
        _ = try await running.wait()
        close(held)
        // Reading once lets SQLite put its log away.
        _ = try await Program.run("state", "list", in: scratch.url)
        let objects = try simulatedObjects(store)
        let before = stateBytes(scratch)
        let dry = try await Program.run("recover", "--dry-run", in: scratch.url)
        #expect(dry.status == 0 && dry.out.contains("Recovery: `fleet/"), "\(dry)")
        #expect(stateBytes(scratch) == before, "a dry run wrote")

        let json = try await Program.run("recover", "--dry-run", "--json", in: scratch.url)
        #expect(json.out.contains("\"event\":\"recovered\""), "\(json)")
        let real = try await Program.run("recover", in: scratch.url)
        #expect(real.status == 0, "\(real)")
        #expect(Set(real.out.split(separator: "\n")) == Set(dry.out.split(separator: "\n")))
        #expect(try await Program.run("recover", in: scratch.url).out == "Nothing is open.\n")
        #expect(try simulatedObjects(store) == objects, "recover touched an object")
        let listed = try await Program.run("state", "list", "--json", in: scratch.url)
        #expect((try listed.json as? [String]).map(Set.init) == Set(objects.values))

        #expect(try await Program.run("apply", "--auto-approve", in: scratch.url).status == 0)
        #expect(try await Program.run("plan", "--detailed-exitcode", in: scratch.url).status == 0)
        #expect(try simulatedObjects(store).count == 100)
    }

    /// Nobody has to settle what a living run has under way.
    @Test func aRunAtWorkIsNotTakenForACrash() async throws {
        let scratch = try scratch()
        try scratch.edit("cluster.yaml", "150ms", "4s")
        let running = try Program.Running(["apply", "--auto-approve", "--json"], in: scratch.url)
        #expect(await eventually { running.output().contains("operation-started") })
        for arguments in [["recover", "--dry-run"], ["plan"]] {
            var answer = try await Program.Running(arguments, in: scratch.url).wait()
            // Between two waves of operations nothing is open, and nothing is said.
            for _ in 0..<10 where answer.err.isEmpty && running.process.isRunning {
                #expect(!answer.out.contains("Recovery:"), "\(answer)")
                answer = try await Program.Running(arguments, in: scratch.url).wait()
            }
            #expect(running.process.isRunning, "the apply was over before the question")
            #expect(!answer.out.contains("Recovery:"), "\(answer)")
            #expect(answer.err.contains("pid \(running.process.processIdentifier)"), "\(answer)")
            #expect(answer.status == 0, "\(answer)")
        }
        running.process.interrupt()
        #expect(try await running.wait().status == 130)
    }

    @Test func aFolderInPlaceOfTheStateIsSaidToBeOne() async throws {
        let scratch = try scratch()
        try scratch.write("", to: "st/x")
        let answer = try await Program.run("plan", "--state", "st", in: scratch.url)
        #expect(answer.status == 1 && answer.err.contains("it is a folder"), "\(answer)")
    }

    /// The limit on the size of files stands for a full disk: SQLite gets the same error, and root is not spared.
    @Test func aFullDiskLosesNothing() async throws {
        let scratch = try scratch()
        try scratch.edit("cluster.yaml", "150ms", "1ms")
        let store = scratch.url.appendingPathComponent("sim.jsonl")
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = [
            "-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" apply --auto-approve", Program.path("osiris"),
        ]
        shell.currentDirectoryURL = scratch.url
        let error = scratch.url.appendingPathComponent("stderr")
        _ = FileManager.default.createFile(atPath: error.path, contents: nil)
        shell.standardError = try FileHandle(forWritingTo: error)
        shell.standardOutput = shell.standardError
        try shell.run()
        await shell.ended()
        let said = try String(contentsOf: error, encoding: .utf8)
        #expect(shell.terminationStatus == 1, "\(said)")
        #expect(said.contains("OSR0408") && said.contains("make room"), "\(said)")
        #expect(try simulatedObjects(store).count < 100)
        let again = try await Program.run("apply", "--auto-approve", in: scratch.url)
        #expect(again.status == 0, "\(again)")
        let objects = try simulatedObjects(store)
        #expect(objects.count == 100 && Set(objects.values).count == 100)
        #expect(try await Program.run("plan", "--detailed-exitcode", in: scratch.url).status == 0)
    }

    /// `/proc` is read-only for root too.
    @Test func aFolderThatCannotBeWrittenStopsBeforeTheFirstOperation() async throws {
        let scratch = try scratch()
        let answer = try await Program.run(
            "apply", "--auto-approve", "--state", "/proc/osiris/state.db", in: scratch.url)
        #expect(answer.status == 1 && answer.err.contains("OSR0408"), "\(answer)")
        #expect(scratch.files() == ["cluster.yaml"])
    }

    /// A library between the program and the kernel grants every lock, as a careless network share does.
    @Test func aFileSystemThatForgetsLocksIsRefused() async throws {
        let scratch = try scratch()
        let forgetful = try await scratch.preload(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <fcntl.h>
            #include <stdarg.h>
            static int forget(int fd, int command, void *argument, const char *name) {
                if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK) return 0;
                int (*real)(int, int, ...) = dlsym(RTLD_NEXT, name);
                return real(fd, command, argument);
            }
            int fcntl(int fd, int command, ...) {
                va_list list; va_start(list, command); void *argument = va_arg(list, void *); va_end(list);
                return forget(fd, command, argument, "fcntl");
            }
            int fcntl64(int fd, int command, ...) {
                va_list list; va_start(list, command); void *argument = va_arg(list, void *); va_end(list);
                return forget(fd, command, argument, "fcntl64");
            }
            """)
        let answer = try await Program.run("apply", "--auto-approve", environment: forgetful, in: scratch.url)
        #expect(answer.status == 1 && answer.err.contains("OSR0414"), "\(answer)")
        #expect(!FileManager.default.fileExists(atPath: scratch.url.path + "/sim.jsonl"), "nothing was made")
    }
}
