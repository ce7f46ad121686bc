import HTTPTypes
import NIOHTTP1

/// Which headers go through the hub. Plain.
enum CallHeaders {
    /// What is about one connection only (RFC 9110, section 7.6.1, and 10.1.1 for `Expect`).
    private static let oneHop: Set<String> = [
        "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade",
    ]

    /// A caller's headers as a function may see them. The hub's token and what only hub and starter say stay behind.
    static func fromCaller(_ headers: HTTPFields) -> HTTPFields {
        let named = connectionOptions(headers[values: .connection])
        return headers.filter { field in
            let name = field.name.canonicalName
            return passes(name, named) && name != "authorization"
        }
    }

    /// A function's headers as its caller may see them.
    static func fromFunction(_ headers: HTTPHeaders) -> HTTPFields {
        let named = connectionOptions(headers["Connection"])
        var fields = HTTPFields()
        for (name, value) in headers {
            guard let name = HTTPField.Name(name), passes(name.canonicalName, named) else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        return fields
    }

    private static func passes(_ name: String, _ named: Set<String>) -> Bool {
        !oneHop.contains(name) && !named.contains(name) && !name.hasPrefix("osiris-")
    }

    private static func connectionOptions(_ values: [String]) -> Set<String> {
        Set(values.flatMap { $0.split { ",\t ".contains($0) } }.map { $0.lowercased() })
    }
}

extension HTTPField.Name {
    static let callID = HTTPField.Name("X-Call-Id") ?? .contentType
    static let coldStart = HTTPField.Name("X-Cold-Start") ?? .contentType
    static let deadline = HTTPField.Name("X-Deadline") ?? .contentType
    static let durationSeconds = HTTPField.Name("X-Duration-Seconds") ?? .contentType
    static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .contentType
    static let forwardedHost = HTTPField.Name("X-Forwarded-Host") ?? .contentType
    static let forwardedProto = HTTPField.Name("X-Forwarded-Proto") ?? .contentType
    static let functionVersion = HTTPField.Name("X-Function-Version") ?? .contentType
    static let host = HTTPField.Name("Host") ?? .contentType
    static let instance = HTTPField.Name("X-Instance") ?? .contentType
    static let osirisVersion = HTTPField.Name("Osiris-Version") ?? .contentType
    static let startTime = HTTPField.Name("X-Start-Time") ?? .contentType
    static let traceParent = HTTPField.Name("traceparent") ?? .contentType
    static let traceState = HTTPField.Name("tracestate") ?? .contentType
}
