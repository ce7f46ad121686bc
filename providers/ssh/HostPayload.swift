import Foundation

/// What a script reads from its standard input: files by name. Never on a command line, where others on the host see it.
struct HostPayload: Sendable {
    private(set) var files: [(name: String, text: [UInt8])] = []

    /// - Parameter name: letters and dots, as the script knows it.
    mutating func add(_ name: String, _ bytes: some Sequence<UInt8>) { files.append((name, Array(bytes))) }

    mutating func add(_ name: String, _ words: String) { add(name, words.utf8) }

    /// Lines of a name and a file in base64. The last one tells the script that everything has arrived.
    var bytes: [UInt8] {
        let lines = files.map { "\($0.name) \(Data($0.text).base64EncodedString())\n" }
        return Array((lines.joined() + "end\n").utf8)
    }
}
