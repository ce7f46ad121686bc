import OsirisTransport
import Synchronization

/// A shared store in a bucket of Amazon S3, or of another service with its API and conditional writes
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
final class S3Store: SharedStore {
    /// Requests at a time where one call needs many.
    private static let parallelism = 16
    private static let page = 1_000
    /// Holds nothing; see `checkConditions`. Not listed.
    private static let probe = ".conditions"

    let client: S3StoreClient
    private let hasConditions = Mutex(false)

    init(_ settings: S3StoreSettings, _ credentials: AWSCredentialCache, http: any HTTPSending) {
        client = S3StoreClient(settings: settings, credentials: credentials, http: http)
    }

    private var address: SharedStoreAddress { client.settings.address }
    var location: String { address.text }
    /// S3 takes 5 GB; this lets a slow line carry one value within a request's time.
    var maxValueSize: Int { 8 << 20 }

    func read(_ key: String) async throws -> StoredValue? { try await object(key)?.stored }

    func read(_ keys: [String]) async throws -> [String: StoredValue] {
        let found = try await Self.forEach(keys) { [self] key in try await read(key) }
        return found.compactMapValues { $0 }
    }

    func write(_ value: [UInt8], to key: String, if condition: WriteCondition, holding lease: StoreLease?) async throws
        -> String?
    {
        guard value.count <= maxValueSize else {
            throw SharedStoreError.tooLarge(value.count, limit: maxValueSize, key: key, at: location)
        }
        try await checkConditions()
        return try await put(value, to: key, if: condition)
    }

    func list(_ prefix: String, after: String?) async throws -> [String] {
        var keys: [String] = []
        var last = after.map(address.key)
        while true {
            // Not `continuation-token`: it would need encoding that libcurl's versions sign in different ways.
            let start = last.map { "&start-after=\(Self.encode($0))" } ?? ""
            let query = "list-type=2&max-keys=\(Self.page)&prefix=\(Self.encode(address.key(prefix)))\(start)"
            let response = try await client.send("GET", nil, query: query, isRepeatable: true)
            guard response.status == 200 else { throw client.refusal(response) }
            guard let answer = XMLNode(parsing: response.body), answer.name == "ListBucketResult" else {
                throw SharedStoreError(.other, "\(location) answered a listing that is none")
            }
            let page = answer.all("Contents").compactMap { $0.text("Key") }
            keys += page.map(address.relative)
            guard answer.text("IsTruncated") == "true", let end = page.last else {
                return keys.filter { $0 != Self.probe }
            }
            last = end
        }
    }

    func remove(_ keys: [String]) async throws {
        _ = try await Self.forEach(keys) { [self] key in
            let response = try await client.send("DELETE", key, isRepeatable: true)
            let isDone = response.status == 204 || response.status == 200 || Self.isMissingKey(response)
            guard isDone else { throw client.refusal(response) }
        }
    }

    private static func forEach<Result: Sendable>(
        _ keys: [String], _ body: @escaping @Sendable (String) async throws -> Result
    ) async throws -> [String: Result] {
        try await withThrowingTaskGroup(of: (String, Result).self) { group in
            var results: [String: Result] = [:]
            for (number, key) in Set(keys).enumerated() {
                if number >= parallelism, let (key, result) = try await group.next() { results[key] = result }
                group.addTask { (key, try await body(key)) }
            }
            for try await (key, result) in group { results[key] = result }
            return results
        }
    }

    /// Keys are plain, so a slash is all there is to encode.
    private static func encode(_ key: String) -> String { key.replacing("/", with: "%2F") }
}

extension S3Store {
    struct Object {
        var stored: StoredValue
        /// `Date` and `Last-Modified` of the answer, both by the service's clock.
        var date: String?
        var lastModified: String?
    }

    func object(_ key: String) async throws -> Object? {
        let response = try await client.send("GET", key, isRepeatable: true)
        if Self.isMissingKey(response) { return nil }
        guard response.status == 200 else { throw client.refusal(response) }
        guard let version = response[header: "ETag"] else {
            throw SharedStoreError(.other, "\(location) gave \(key) without its ETag")
        }
        return Object(
            stored: StoredValue(bytes: response.body, version: version), date: response[header: "Date"],
            lastModified: response[header: "Last-Modified"])
    }

    /// - Returns: the new ETag, or nil if the condition did not hold.
    func put(_ value: [UInt8], to key: String, if condition: WriteCondition) async throws -> String? {
        let header =
            switch condition {
            case .absent: HTTPHeader("If-None-Match", "*")
            case .version(let version): HTTPHeader("If-Match", version)
            }
        var response: HTTPResponse
        var conflicts = 0
        repeat {
            response = try await client.send(
                "PUT", key, headers: [header, HTTPHeader("Content-Type", "application/octet-stream")], body: value,
                isRepeatable: false)
            // Another conditional write was under way. This one did nothing.
            conflicts += response.status == 409 ? 1 : 0
        } while response.status == 409 && conflicts < 2
        // 404: the key whose version was given is gone.
        if response.status == 412 || response.status == 409 || Self.isMissingKey(response) { return nil }
        guard response.status == 200 else { throw client.refusal(response) }
        guard let version = response[header: "ETag"] else {
            throw SharedStoreError(.unknown, "\(location) took \(key) and gave no ETag")
        }
        return version
    }

    /// Writes that must be refused, before the first that matters: old services with S3's API ignore the conditions and
    /// would let two runs write over each other.
    func checkConditions() async throws {
        if hasConditions.withLock({ $0 }) { return }
        // Of an object that is there, so the first one is refused as well, except in a new store.
        if try await put([], to: Self.probe, if: .absent) != nil {
            guard try await put([], to: Self.probe, if: .absent) == nil else { throw Self.withoutConditions(location) }
        }
        let wrong = WriteCondition.version("\"00000000000000000000000000000000\"")
        guard try await put([], to: Self.probe, if: wrong) == nil else { throw Self.withoutConditions(location) }
        hasConditions.withLock { $0 = true }
    }

    static func withoutConditions(_ location: String) -> SharedStoreError {
        SharedStoreError(
            .other, "the service of \(location) does not keep to conditional writes, so a state in it is not safe",
            help: "use Amazon S3, or a service that implements If-None-Match and If-Match on PutObject")
    }

    private static func isMissingKey(_ response: HTTPResponse) -> Bool {
        guard response.status == 404 else { return false }
        return S3StoreClient.code(response) == "NoSuchKey"
    }
}
