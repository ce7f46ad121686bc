import Foundation
import OsirisModel
import OsirisTransport

/// Podman or Docker through the Docker Engine API, version 1.41, on a Unix socket
/// (https://docs.docker.com/reference/api/engine/version/v1.41/). Podman's service speaks it too.
struct Engine: Sendable {
    /// Why the engine did not do it.
    struct Failure: Error, Sendable, CustomStringConvertible {
        /// HTTP status; 0 if there was no whole answer.
        var status: Int
        /// What the engine says.
        var message: String

        var description: String { message }
    }

    /// What engine it is.
    struct Version: Sendable, Equatable {
        /// As in `Podman Engine` or `Docker Engine - Community`.
        var name: String
        var version: String
        /// True if it runs as a user without root's rights.
        var rootless: Bool
    }

    /// Longest wait for an answer, unless the call says otherwise.
    static let patience = Duration.seconds(30)

    /// Path of the Unix socket.
    let socket: String
    private let http: any HTTPSending

    init(socket: String, http: any HTTPSending = HTTPClient()) {
        self.socket = socket
        self.http = http
    }

    /// Asks whether it is there and what it is: `GET /version` and `GET /info`.
    /// - Throws: `Failure`.
    func version() async throws -> Version {
        let version = try await json("GET", "/version", timeout: .seconds(5))
        let info = try await json("GET", "/info", timeout: .seconds(5))
        let options = info["SecurityOptions"]?.listValue?.compactMap(\.stringValue) ?? []
        let engine = version["Components"]?.listValue?.first?.mapValue?["Name"]?.stringValue
        let platform = version["Platform"]?.mapValue?["Name"]?.stringValue
        return Version(
            name: engine.flatMap { $0 == "Engine" ? platform : $0 } ?? platform ?? "container engine",
            version: version["Version"]?.stringValue ?? "",
            rootless: options.contains { $0.split(separator: ",").contains("name=rootless") })
    }

    /// One exchange.
    /// - Parameters:
    ///   - path: without the version, with the query.
    ///   - onBody: gets the pieces of a successful answer's body.
    /// - Returns: the body of an answer with a status below 400.
    /// - Throws: `Failure`, `CancellationError`.
    @discardableResult
    func send(
        _ method: String, _ path: String, body: Value? = nil, timeout: Duration = Engine.patience,
        onBody: (@Sendable ([UInt8]) -> Void)? = nil
    ) async throws -> [UInt8] {
        let headers = body == nil ? [] : [HTTPHeader("Content-Type", "application/json")]
        // Without a body of zero bytes podman would wait for one.
        let bytes = body?.plainJSON() ?? (method == "POST" ? [] : nil)
        let request = HTTPRequest(
            method, "http://engine/v1.41\(path)", headers: headers, body: bytes, timeout: timeout, unixSocket: socket,
            receive: onBody)
        let response: HTTPResponse
        do {
            response = try await http.send(request)
        } catch let error as HTTPError {
            throw Failure(status: 0, message: "the container engine at \(socket) does not answer: \(error.reason)")
        }
        guard response.status < 400 else {
            let said = try? Value(plainJSON: response.body).mapValue?["message"]?.stringValue
            let text = said ?? String(decoding: response.body.prefix(500), as: UTF8.self)
            throw Failure(
                status: response.status, message: text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return response.body
    }

    /// An exchange whose answer is a JSON object.
    func json(
        _ method: String, _ path: String, body: Value? = nil, timeout: Duration = Engine.patience
    ) async throws -> [String: Value] {
        let bytes = try await send(method, path, body: body, timeout: timeout)
        guard let object = try? Value(plainJSON: bytes).mapValue else {
            throw Failure(status: 0, message: "the container engine at \(socket) answered \(path) with no JSON object")
        }
        return object
    }

    /// A value for a query or a path segment (RFC 3986, 2.3).
    static func escaped(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    /// A filter by labels, as lists of containers take it.
    static func labelFilter(_ labels: [String: String]) -> String {
        let words = labels.map { Value.string("\($0.key)=\($0.value)") }.sorted { $0.jsonText < $1.jsonText }
        return escaped(String(decoding: Value.map(["label": .list(words)]).plainJSON(), as: UTF8.self))
    }
}
