import Foundation

/// What a script reads from its standard input: files by name. Never on a command line, where others on the host see it.
struct HostPayload: Sendable {
    private var text = ""

    /// - Parameter name: letters and dots, as the script knows it.
    mutating func add(_ name: String, _ bytes: some Sequence<UInt8>) {
        text += "\(name) \(Data(bytes).base64EncodedString())\n"
    }

    mutating func add(_ name: String, _ words: String) { add(name, words.utf8) }

    /// The last line tells the script that everything has arrived.
    var bytes: [UInt8] { Array((text + "end\n").utf8) }
}
