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

    /// The call that was sent last.
    private(set) var expected: String?
    /// Calls before it whose last mark did not come yet; marks of others are not heeded.
    private var late: [String] = []
    private var current: String?
    /// True once everything that the expected call printed was read.
    private(set) var isOver = true

    /// - Parameter marked: false if the instance makes no marks; then the call's lines begin now.
    mutating func begin(_ call: String, marked: Bool) {
        if let expected, !isOver {
            // A function that closed its stderr never says an end.
            late = late.suffix(Self.mostLate - 1) + [expected]
        }
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
        guard let start = line.lastIndex(of: 0x1E) else { return Line(text: line, call: current) }
        let mark = line[(start + 1)...]
        // What was printed without a line feed stands before the mark.
        let rest = start == 0 ? nil : Line(text: Array(line[..<start]), call: current)
        for call in late + [expected].compactMap(\.self) {
            if mark.elementsEqual("osiris call \(call)".utf8) {
                current = call
                return rest
            }
            if mark.elementsEqual("osiris end \(call)".utf8) {
                current = nil
                if call == expected { isOver = true } else { late.removeAll { $0 == call } }
                return rest
            }
        }
        return Line(text: line, call: current)
    }

    private static let mostLate = 50
}
