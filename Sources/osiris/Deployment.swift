import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisState
import OsirisTransport

/// A hub as recorded in the state: where it is and the key to it.
struct RecordedHub {
    let address: ResourceAddress
    let url: String
    let adminToken: String

    /// All hubs in the state, by address; those without an address yet are left out.
    static func all(_ snapshot: StateSnapshot) -> [RecordedHub] {
        snapshot.resources.values.sorted { $0.address < $1.address }.compactMap(RecordedHub.init)
    }

    init?(_ record: ResourceRecord) {
        guard record.address.type == "hub", let url = record.attributes["url"]?.stringValue,
            let token = record.attributes["token"]?.stringValue
        else { return nil }
        (address, self.url, adminToken) = (record.address, url, token)
    }

    /// - Parameter target: only hubs of this target.
    /// - Throws: a `Diagnostic` if there is none.
    static func one(_ snapshot: StateSnapshot, target: String?) throws -> RecordedHub {
        guard let hub = all(snapshot).first(where: { target == nil || $0.address.target == target! }) else {
            throw Diagnostic(
                .noMatch, "the state has no hub\(target.map { " of target `\($0)`" } ?? "")",
                help: "`osiris apply` makes one; `osiris state list '*/hub.*'` lists them")
        }
        return hub
    }

    /// - Throws: a `Diagnostic` naming the hub if no answer comes.
    func send(
        _ method: String, _ path: String, body: [UInt8] = [], timeout: Duration = .seconds(60), _ http: HTTPClient
    ) async throws -> HTTPResponse {
        var request = HTTPRequest(method: method, url: url + path)
        request.headers = [("Authorization", "Bearer " + adminToken), ("Content-Type", "application/json")]
        request.body = body
        request.timeout = timeout
        do {
            return try await http.send(request)
        } catch {
            throw Diagnostic(
                .hubUnreachable, "`\(address)` at \(url) does not answer: \(error)", address: address.text,
                help: "`osiris plan` shows what is wrong with it, `osiris apply` starts it again")
        }
    }
}
