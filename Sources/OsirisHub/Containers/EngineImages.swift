import OsirisModel
import Synchronization

/// An image as a manifest names it.
struct ImageReference: Sendable, Equatable {
    /// As the engine wants it: with a tag or a digest.
    var text: String
    /// Without tag and digest.
    var repository: String
    /// True if it names its content, so that it always means the same.
    var isByDigest: Bool

    /// - Parameter text: `REPOSITORY`, `REPOSITORY:TAG` or `REPOSITORY@sha256:…`; without either the tag is `latest`.
    init(_ text: String) {
        if let at = text.firstIndex(of: "@") {
            (self.text, repository, isByDigest) = (text, String(text[..<at]), true)
            return
        }
        let start = text.lastIndex(of: "/") ?? text.startIndex
        let colon = text[start...].firstIndex(of: ":")
        repository = String(text[..<(colon ?? text.endIndex)])
        // Without a tag Docker would pull every tag there is.
        self.text = colon == nil ? text + ":latest" : text
        isByDigest = false
    }
}

/// Images: `/images/…`.
extension Engine {
    /// An image the engine has.
    struct Image: Sendable, Equatable {
        /// `sha256:…` of its configuration: what this engine knows it by.
        var id: String
        /// `REPOSITORY@sha256:…`: what registries know it by. Empty for one that was built here.
        var digests: [String]
    }

    /// Longest pull.
    static let pullLimit = Duration.seconds(600)

    /// - Returns: nil if the engine does not have it.
    func image(_ reference: String) async throws -> Image? {
        do {
            let answer = try await json("GET", "/images/\(Self.escaped(reference))/json")
            guard let id = answer["Id"]?.stringValue else {
                throw Failure(status: 0, message: "the container engine tells no id of \(reference)")
            }
            return Image(id: id, digests: answer["RepoDigests"]?.listValue?.compactMap(\.stringValue) ?? [])
        } catch let failure as Failure where failure.status == 404 {
            return nil
        }
    }

    /// Pulls an image and waits until it is there.
    /// - Throws: `Failure`, also for what the engine says in the middle of its progress.
    func pull(_ reference: String) async throws {
        let progress = Mutex(PullProgress())
        do {
            try await send(
                "POST", "/images/create?fromImage=\(Self.escaped(reference))", timeout: Self.pullLimit,
                onBody: { bytes in progress.withLock { $0.feed(bytes) } })
        } catch let failure as Failure {
            throw Failure(status: failure.status, message: "\(reference) cannot be pulled: \(failure.message)")
        }
        if let error = progress.withLock({ $0.finish() }) {
            throw Failure(status: 200, message: "\(reference) cannot be pulled: \(error)")
        }
    }
}

/// Reads the progress of a pull: JSON objects on lines. The status of the answer was sent before the pull began, so a
/// failure is one of them. Plain.
struct PullProgress: Sendable {
    private var framer = LineFramer(limit: 1 << 20)
    private var error: String?

    init() {}

    mutating func feed(_ bytes: [UInt8]) {
        for case .line(let line) in framer.feed(bytes) { read(line) }
    }

    /// - Returns: why the pull failed; nil if it did not.
    mutating func finish() -> String? {
        if let rest = framer.finish() { read(rest) }
        return error
    }

    private mutating func read(_ line: [UInt8]) {
        guard let object = try? Value(plainJSON: line).mapValue else { return }
        guard let text = object["error"]?.stringValue, !text.isEmpty else { return }
        error = error ?? object["errorDetail"]?.mapValue?["message"]?.stringValue ?? text
    }
}
