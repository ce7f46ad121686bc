import Foundation
import OsirisTransport
import Testing

extension OddRackTests {
    /// A host without an engine and without a package source is set up from one file, and nobody else is spoken to.
    @Test func airGap() async throws {
        let rack = try await Rack.shared
        try await rack.clean("sealed")
        let settings = ["engine: {name: podman, packages: packages}"]
        let cluster = try await RackCluster(rack, hosts: ["sealed"])
        try cluster.linkImage("hub.tar")
        try cluster.write(hosts: ["sealed"], settings: settings, archive: "hub.tar")
        let key = try SigningKey.make()
        try cluster.scratch.write(key.pem, to: "release.pem")
        try cluster.scratch.write(key.publicKey.pem, to: "release.pub")
        // What a bare host would take from its package source.
        let listed = try await rack.on(
            "plain",
            "apt-get update -qq >&2; apt-get install -qq --print-uris --no-install-recommends podman | cut -d \"'\" -f 2"
        )
        let names = listed.split(separator: "\n").compactMap {
            $0.split(separator: "/").last.flatMap { String($0).removingPercentEncoding }
        }
        try #require(names.count > 3, "\(listed)")
        let folder = cluster.scratch.url.appendingPathComponent("packages")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in names {
            try FileManager.default.createSymbolicLink(
                at: folder.appendingPathComponent(name), withDestinationURL: rack.packages.appendingPathComponent(name))
        }
        let made = try await cluster.osiris("bundle", "create", "--out", "rack.bundle", "--key", "release.pem")
        try #require(made.status == 0, "\(made)")

        let applied = try await cluster.osirisCutOff(
            "bundle", "apply", "rack.bundle", "--trust", "release.pub", "--into", "site", "--auto-approve")
        try #require(applied.status == 0, "\(applied)")
        #expect(applied.out.hasSuffix("elsewhere 0, then 1\n"), "\(applied)")
        let call = try await cluster.osirisCutOff(
            "functions", "call", "demo/hello", "--data", "{\"name\":\"Ada\"}", "-f", "site")
        #expect(call.out == "{\"greeting\":\"hi Ada\"}\nelsewhere 0, then 1\n", "\(call)")
        // Nothing is left of what was sent, and the second time there is nothing to do.
        #expect(
            try await rack.on("sealed", "ls -d /var/lib/osiris/packages /var/lib/osiris/upload 2>/dev/null || true")
                == "")
        let again = try await cluster.osirisCutOff(
            "bundle", "apply", "rack.bundle", "--trust", "release.pub", "--into", "site", "--auto-approve")
        #expect(again.status == 0 && again.out.contains("No changes."), "\(again)")
        let destroyed = try await cluster.osiris("destroy", "--auto-approve", "-f", "site")
        #expect(destroyed.status == 0, "\(destroyed)")
        #expect(try await rack.on("sealed", "command -v podman || echo gone") == "gone")
    }

    /// An engine that osiris brought stays for who uses it, with what belongs to them.
    @Test func engineOfOthers() async throws {
        let rack = try await Rack.shared
        let cluster = try await RackCluster(rack, hosts: ["plain"])
        try await cluster.apply()
        try await rack.on("plain", "echo mine >/root/mine; tar -c -C /root mine | podman import -q - localhost/mine")
        try await cluster.osiris("destroy", "--auto-approve")
        #expect(try await rack.on("plain", "podman images --noheading --format '{{.Repository}}'") == "localhost/mine")
        try await rack.on(
            "plain",
            "podman rmi --all >/dev/null; apt-get purge -qq -y podman >/dev/null 2>&1; apt-get autoremove -qq -y >/dev/null 2>&1"
        )
    }
}
