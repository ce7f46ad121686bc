import Foundation

/// Runs what blocks, such as reading files and waiting for a program, on a thread of its own.
enum AWSThread {
    static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
