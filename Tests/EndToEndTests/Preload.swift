import Foundation
import Testing

extension Scratch {
    /// Compiles a library that stands between a program and the kernel.
    /// - Returns: the environment of a program that gets it.
    func preload(_ source: String) async throws -> [String: String] {
        try write(source, to: "preload/source.c")
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["clang", "-shared", "-fPIC", "-o", "library.so", "source.c", "-ldl"]
        compiler.currentDirectoryURL = url.appendingPathComponent("preload")
        try compiler.run()
        await compiler.ended()
        try #require(compiler.terminationStatus == 0)
        return ["LD_PRELOAD": url.path + "/preload/library.so"]
    }
}
