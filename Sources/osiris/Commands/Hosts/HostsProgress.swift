import Foundation

/// One line on the terminal that says how many hosts are done; nothing where no person reads.
struct HostsProgress: Sendable {
    private let work: String
    private let isShown: Bool

    /// - Parameter work: such as `probed`.
    init(_ work: String, _ console: Console) {
        self.work = work
        isShown = !console.json && isatty(STDERR_FILENO) == 1
    }

    func show(done: Int, of all: Int) { write("\r\u{1B}[K\(done) of \(all) hosts \(work)") }

    func clear() { write("\r\u{1B}[K") }

    private func write(_ text: String) {
        if isShown { FileHandle.standardError.write(Data(text.utf8)) }
    }
}
