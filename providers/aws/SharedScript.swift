/// One script in place of several that differ in single words, which a machine fills in by its launch index
/// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html, `ami-launch-index`).
struct SharedScript {
    private var template = ""
    /// By machine.
    private var rows: [[Substring]]

    /// Scripts that are not made alike.
    struct Unlike: Error {}

    /// - Parameter scripts: by launch index, at least one.
    /// - Throws: `Unlike`.
    init(_ scripts: [String]) throws {
        rows = scripts.map { _ in [] }
        let parts = scripts.map(Self.parts)
        guard parts.allSatisfy({ $0.count == parts[0].count }), !scripts[0].contains(Self.mark) else { throw Unlike() }
        var known: [[Substring]: Int] = [:]
        for index in parts[0].indices {
            let words = parts.map { $0[index] }
            if words.allSatisfy({ $0 == words[0] }) {
                template += words[0]
                continue
            }
            guard index % 2 == 0, words.allSatisfy({ !$0.isEmpty }) else { throw Unlike() }
            let number = known[words] ?? known.count + 1
            if known.updateValue(number, forKey: words) == nil {
                for (row, word) in words.enumerated() { rows[row].append(word) }
            }
            template += "\(Self.mark)\(number)\(Self.mark)"
        }
    }

    private static let mark = "@@"
    /// A line that is in no script.
    private static let end = "END-OF-SCRIPT"

    var text: String {
        """
        #!/bin/sh
        # For all machines of one call: each fills in its own words.
        row() {
            sed -n "$(($1 + 1))p" <<'\(Self.end)'
        \(rows.map { $0.joined(separator: " ") }.joined(separator: "\n"))
        \(Self.end)
        }
        script() {
            sed "$words" <<'\(Self.end)'
        \(template)
        \(Self.end)
        }
        if index=$(cloud-init query ds.meta_data.ami_launch_index) && set -- $(row "$index") && [ $# -gt 0 ]; then
            number=0 words=
            for word; do
                number=$((number + 1))
                words="${words}s/\(Self.mark)$number\(Self.mark)/$word/g;"
            done
            eval "$(script)"
        else
            echo "osiris: first boot: cloud-init does not tell the launch index; all of it comes over SSH"
        fi

        """
    }

    /// Words, and what is between them, in turns; the first is a word, maybe an empty one. A word is nothing that a shell or
    /// sed(1) would take for anything else.
    private static func parts(of script: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = script.utf8[...]
        var isWord = true
        while !rest.isEmpty || isWord {
            let part = rest.prefix { Self.isOfWord($0) == isWord }
            parts.append(Substring(part))
            rest = rest.dropFirst(part.count)
            isWord.toggle()
        }
        return parts
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
