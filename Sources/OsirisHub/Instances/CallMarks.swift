/// Tells which call the lines on an instance's stderr belong to. Plain.
///
/// The starters write a mark before a call and one after it: the byte 0x1E, `osiris call ID` or `osiris end ID`, a line
/// feed. What is printed in between belongs to the call, whichever thread printed it.
struct CallMarks: Sendable {
    /// A line and its call.
    struct Line: Sendable, Equatable {
        var text: [UInt8]
        var call: String?
    }

    /// The call that was sent last; marks of others are not heeded.
    private(set) var expected: String?
    private var current: String?
    /// True once everything that the expected call printed was read.
    private(set) var isOver = true

    /// - Parameter marked: false if the instance makes no marks; then the call's lines begin now.
    mutating func begin(_ call: String, marked: Bool) {
        expected = call
        isOver = false
        if !marked { current = call }
    }

    /// Ends a call without its mark.
    mutating func end() {
        current = nil
        isOver = true
    }

    /// Takes the next line.
    /// - Returns: what is to be logged of it, nil for a mark.
    mutating func read(_ line: [UInt8]) -> Line? {
        guard let start = line.lastIndex(of: 0x1E), let expected else { return Line(text: line, call: current) }
        let mark = line[(start + 1)...]
        // What was printed without a line feed stands before the mark.
        let rest = start == 0 ? nil : Line(text: Array(line[..<start]), call: current)
        if mark.elementsEqual("osiris call \(expected)".utf8) {
            current = expected
        } else if mark.elementsEqual("osiris end \(expected)".utf8) {
            end()
        } else {
            return Line(text: line, call: current)
        }
        return rest
    }
}
