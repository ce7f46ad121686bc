import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Finds the image that a name in a manifest leads to, each once in a run.
actor Images {
    struct Image: Sendable, Hashable {
        var id: String
        /// The device its disk is attached as.
        var rootDevice: String
    }

    private struct Key: Hashable {
        var name: ImageName
        var place: AWSPlace
    }

    private let client: AWSClient
    private var found: [Key: (task: Task<Image, any Error>, progress: SharedProgress)] = [:]

    init(_ client: AWSClient) { self.client = client }

    /// - Parameter type: of the instance; it says for which processor.
    /// - Throws: `ProviderError`.
    func find(_ text: String, type: String, at place: AWSPlace, for address: ResourceAddress) async throws -> Image {
        let key = Key(name: ImageName(text, type: type), place: place)
        // Shared by all instances that are made at once, so it is none of theirs.
        let search = found[key] ?? search(key)
        found[key] = search
        search.progress.join()
        do {
            return try await search.task.value
        } catch {
            found[key] = nil
            if let error = error as? AWSError {
                throw error.providerError(address.text, attribute: "image")
            }
            throw ProviderError(
                .rejected, "\(address): there is no image `\(text)` in \(place.region)\(key.name.detail)",
                help: "name an image of this region: ami-…, OWNER/NAME, ssm:/PATH, or \(ImageName.known)",
                attribute: "image")
        }
    }

    private func search(_ key: Key) -> (task: Task<Image, any Error>, progress: SharedProgress) {
        let progress = SharedProgress()
        let task = Task {
            try await AWSClient.$progress.withValue(progress.progress) { try await look(key.name, key.place) }
        }
        return (task, progress)
    }

    private struct Missing: Error {}

    private func look(_ name: ImageName, _ place: AWSPlace) async throws -> Image {
        var parameters = QueryParameters()
        switch name {
        case .id(let id): parameters["ImageId.1"] = id
        case .parameter(let path): parameters["ImageId.1"] = try await client.parameter(path, at: place)
        case .newest(let owner, let pattern, let architecture):
            parameters["Owner.1"] = owner
            parameters.filter("name", [pattern])
            parameters.filter("state", ["available"])
            if let architecture { parameters.filter("architecture", [architecture]) }
        }
        let images = try await client.list("DescribeImages", parameters, items: "imagesSet", at: place)
        let newest = images.max {
            ($0.text("creationDate") ?? "", $0.text("imageId") ?? "")
                < ($1.text("creationDate") ?? "", $1.text("imageId") ?? "")
        }
        guard let newest, let id = newest.word("imageId") else { throw Missing() }
        return Image(id: id, rootDevice: newest.word("rootDeviceName") ?? "/dev/xvda")
    }
}

/// How a manifest names an image.
enum ImageName: Sendable, Hashable {
    /// `ami-…`
    case id(String)
    /// `ssm:/aws/service/…`: a parameter of Systems Manager with the id.
    case parameter(String)
    /// `OWNER/NAME`, `*` in the name for any text, or the word for a distribution: the newest that is available.
    case newest(owner: String, name: String, architecture: String?)

    /// The distributions that have a word, by the owner of their images and the names of these.
    /// https://wiki.debian.org/Cloud/AmazonEC2Image, https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
    private static let distributions: [String: (owner: String, name: String)] = [
        "debian-12": ("136693071363", "debian-12-ARCH-*"), "debian-13": ("136693071363", "debian-13-ARCH-*"),
        "ubuntu-22.04": ("099720109477", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-ARCH-server-*"),
        "ubuntu-24.04": ("099720109477", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-ARCH-server-*"),
    ]

    /// The words, for a message.
    static var known: String { distributions.keys.sorted().joined(separator: ", ") }

    init(_ text: String, type: String) {
        let isARM = Self.isARM(type)
        if text.hasPrefix("ssm:") {
            self = .parameter(String(text.dropFirst(4)))
        } else if let distribution = Self.distributions[text] {
            let name = distribution.name.replacing("ARCH", with: isARM ? "arm64" : "amd64")
            self = .newest(owner: distribution.owner, name: name, architecture: isARM ? "arm64" : "x86_64")
        } else if let slash = text.firstIndex(of: "/"), !text.hasPrefix("ami-") {
            self = .newest(
                owner: String(text[..<slash]), name: String(text[text.index(after: slash)...]), architecture: nil)
        } else {
            self = .id(text)
        }
    }

    /// Who logs in on machines of an image, as far as its name in the manifest tells; else the user of Amazon's own.
    static func user(of text: String) -> String {
        if text.contains("debian") { return "admin" }
        return text.contains("ubuntu") || text.contains("canonical") ? "ubuntu" : "ec2-user"
    }

    /// Instance types with Amazon's own processors have a `g` behind the number of their generation, and `a1`
    /// (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html).
    static func isARM(_ type: String) -> Bool {
        let family = type.prefix { $0 != "." }
        guard let digit = family.firstIndex(where: \.isNumber) else { return false }
        return family == "a1" || family[digit...].contains("g")
    }

    var detail: String {
        if case .newest(let owner, let name, _) = self { " (owner \(owner), name \(name))" } else { "" }
    }
}
