import ArgumentParser
import Foundation

struct BundleVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a bundle's signature and the sum of every file in it.",
        discussion: "Example: osiris bundle verify rack.bundle --trust release.pub")

    @Argument(help: ArgumentHelp("The bundle.", valueName: "file"))
    var bundle: String

    @OptionGroup var trust: BundleTrustOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let (archive, trust) = (BundleArchive(path: bundle), try trust.value())
            let index = try await console.reminding("verifying") {
                try await onOwnThread {
                    let index = try archive.index(trust)
                    let scratch = try BundleArchive.scratch(in: FileManager.default.temporaryDirectory.path)
                    defer { try? FileManager.default.removeItem(atPath: scratch) }
                    try archive.unpack(index, to: scratch)
                    return index
                }
            }
            if case .key(let key) = trust {
                console.show(index, signedBy: key)
            } else {
                console.show(index, signedBy: nil)
            }
        }
    }
}
