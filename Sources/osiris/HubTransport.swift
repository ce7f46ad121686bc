import OsirisProviderKit
import OsirisTransport

/// Carries calls to hubs over libcurl.
struct HubTransport: Sendable {
    private let http = HTTPClient()

    /// - Throws: `HubClient.Failure`, which keeps apart what surely was not sent and what may have been.
    var send: HubClient.Send {
        { [http] call in
            let request = HTTPRequest(
                call.method, call.url, headers: call.headers.map { HTTPHeader($0.key, $0.value) },
                body: call.body.isEmpty ? nil : call.body, timeout: call.timeout)
            do {
                let response = try await http.send(request)
                return HubClient.Answer(status: response.status, body: response.body)
            } catch let error as HTTPError {
                switch error.kind {
                case .couldNotConnect, .tls: throw HubClient.Failure.unreachable(error.description)
                default: throw HubClient.Failure.noAnswer(error.description)
                }
            }
        }
    }
}
