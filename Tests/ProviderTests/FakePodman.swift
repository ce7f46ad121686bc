import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit

@testable import ProviderLocal

/// A stand-in for podman in a folder of its own: the same verbs and answers, one container, the stand-in hub in it.
///
/// `calls` has a line for each call; `images` the identities it has, `loads` the one that an archive brings. A file
/// `broken` makes every call fail.
let fakePodmanProgram = #"""
    #!/bin/sh
    d=$(dirname "$0")
    [ "$1" = --version ] && exit
    line=""
    for a in "$@"; do line="$line|$a"; done
    echo "$line" >>"$d/calls"
    if [ -e "$d/broken" ]; then echo "Error: the storage is broken" >&2; exit 125; fi
    # Podman warns about many things, and goes on.
    echo 'time="now" level=warning msg="a warning"' >&2
    alive() { [ -e "$d/pid" ] && [ -e "/proc/$(cat "$d/pid")/stat" ] && ! grep -qs ') Z' "/proc/$(cat "$d/pid")/stat"; }
    end() { if alive; then kill "$(cat "$d/pid")"; while alive; do sleep 0.02; done; fi; }
    for last in "$@"; do :; done
    case "$1 $2" in
    "ps --all")
        if [ ! -e "$d/pid" ]; then echo '[]'
        elif alive; then echo '[{"Id": "c1", "State": "running", "Ports": null}]'
        else echo '[{"Id": "c1", "State": "exited", "Ports": null}]'; fi ;;
    "image exists") grep -qxF "$last" "$d/images" 2>/dev/null || exit 1 ;;
    load*) cat "$d/loads" >>"$d/images"; echo "Loaded image: localhost/osiris-hub:1.0.0" ;;
    pull*) echo "Error: initializing source docker://$last: no such host" >&2; exit 125 ;;
    run*)
        end
        for a in "$@"; do case $a in type=bind,*) data=${a#*src=}; data=${data%%\",dst=*} ;; esac; done
        python3 "$d/osiris-hub" serve --data "$data" >"$d/log" 2>&1 &
        echo $! >"$d/pid"
        echo c1 ;;
    "container inspect") if alive; then echo "true 0"; else echo "true 2"; fi ;;
    stop*) end ;;
    rm*) end; rm -f "$d/pid" ;;
    logs*) cat "$d/log" ;;
    *) echo "Error: unrecognized command $1" >&2; exit 125 ;;
    esac
    """#

/// The stand-in podman with a manifest whose hub comes from an archive.
struct FakePodman {
    var hub: FakeHub
    let provider: LocalProvider
    static let firstImage = "sha256:" + String(repeating: "a1", count: 32)
    static let secondImage = "sha256:" + String(repeating: "b2", count: 32)

    init() async throws {
        hub = try FakeHub()
        try hub.folder.write(program: fakePodmanProgram, to: "program/podman")
        let program = hub.folder.path + "/program/podman"
        provider = LocalProvider(hubVersion: "1.0.0", podman: program, http: testHTTP)
        hub.cluster.targets = [target("here", "local", ["engine": "podman", "port": .int(hub.port)])]
        hub.cluster.hub.archive = "hub.tar"
        try setArchive(Self.firstImage)
    }

    /// Makes the archive anew.
    func setArchive(_ image: String) throws {
        let manifest: Value = [["Config": .string(image.dropFirst(7) + ".json"), "Layers": []]]
        try writeTar(["layer/layer.tar": "not read", "manifest.json": manifest.jsonText], to: "manifest/hub.tar")
        try hub.folder.write(image + "\n", to: "program/loads")
    }

    func writeTar(_ files: KeyValuePairs<String, String>, to name: String) throws {
        try Data(tar(files)).write(to: URL(fileURLWithPath: hub.folder.path + "/" + name))
    }

    var handler: any ResourceHandler { provider.handler("hub") }
    /// What podman was called with, without the verbs that only ask.
    var changes: [[String]] {
        calls.filter { !["ps", "image", "container", "logs"].contains($0[0]) }
    }
    var calls: [[String]] {
        hub.folder.text("program/calls").split(separator: "\n").map { line in
            line.dropFirst().split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        }
    }

    func request(_ token: String, prior: Attributes = [:], changes: Attributes = [:]) throws -> OperationRequest {
        let declared = try provider.expand(hub.cluster.targets[0], of: hub.cluster).resources[0]
        return OperationRequest(
            cluster: hub.cluster, address: hub.address, planned: declared.attributes.merging(changes) { $1 },
            prior: prior, ancestors: [], token: token)
    }

    func read(_ recorded: Attributes) async -> ReadResult {
        await handler.read([ReadRequest(address: hub.address, recorded: recorded, ancestors: [])], of: hub.cluster)[0]
    }
}

/// An archive of files, in the form that tar programs call ustar.
func tar(_ files: KeyValuePairs<String, String>) -> [UInt8] {
    var bytes: [UInt8] = []
    for (name, text) in files {
        var header = [UInt8](repeating: 0, count: 512)
        let size = String(text.utf8.count, radix: 8)
        header.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        header.replaceSubrange(124..<135, with: (String(repeating: "0", count: 11 - size.count) + size).utf8)
        header.replaceSubrange(257..<262, with: "ustar".utf8)
        bytes += header + Array(text.utf8)
        bytes += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }
    return bytes + [UInt8](repeating: 0, count: 1024)
}
