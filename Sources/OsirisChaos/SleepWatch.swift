import Foundation
import Synchronization

/// Waits until a run has come to a boundary, or has ended before it.
final class SleepWatch: Sendable {
    private let log: String
    private let boundary: Int
    private let isOver = Mutex(false)

    init(log: String, boundary: Int) {
        self.log = log
        self.boundary = boundary
    }

    func ended() { isOver.withLock { $0 = true } }

    /// Returns too when its task is cancelled.
    func wait() async {
        while !isOver.withLock({ $0 }), lines() < boundary {
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return }
        }
    }

    private func lines() -> Int {
        let bytes = (try? Data(contentsOf: URL(fileURLWithPath: log))) ?? Data()
        return bytes.count { $0 == UInt8(ascii: "\n") }
    }
}
