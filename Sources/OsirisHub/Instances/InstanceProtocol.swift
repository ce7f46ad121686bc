/// What is said over the pipes of an instance. Plain: bytes in, meaning out.
struct InstanceProtocol: Sendable {
    /// The meaning of the first line of an instance that has a handshake.
    enum Handshake: Sendable, Equatable {
        case ready
        /// The handler cannot be used, and why.
        case failed(String)
    }

    /// The meaning of an answer line.
    enum Answer: Sendable, Equatable {
        /// The function returned this JSON document.
        case output([UInt8])
        /// The function raised.
        case raised(type: String, message: String)
        /// The function raised because it reached a limit, named by its key.
        case exceeded(limit: String, message: String)
        /// Not an answer to the call that runs.
        case broken(String)
    }

    let runtime: FunctionSpec.Runtime

    /// True if the instance says when it is ready; otherwise it is ready once it has lived 50 ms.
    var hasHandshake: Bool { runtime == .python3 }

    /// Bytes an answer line has beside the output.
    var envelopeBytes: Int { hasHandshake ? 4096 : 0 }

    private struct Failure: Decodable {
        struct Inner: Decodable {
            var type: String
            var message: String
            var limit: String?
        }
        var id: String?
        var error: Inner
    }

    func handshake(_ line: [UInt8]) -> Handshake {
        if line.starts(with: #"{"ready":true"#.utf8) { return .ready }
        guard let failure = try? HubJSON.decode(Failure.self, line) else { return .failed("The handshake is broken.") }
        return .failed("\(failure.error.type): \(failure.error.message)")
    }

    /// The line that asks for a call, line feed included.
    /// - Parameter input: a JSON document on one line.
    func request(id: String, input: [UInt8]) -> [UInt8] {
        guard hasHandshake else { return input + [0x0A] }
        return Array(#"{"id":"\#(id)","input":"#.utf8) + input + Array("}\n".utf8)
    }

    /// The output is cut out of the line as it is, so numbers and the order of keys stay as the function wrote them.
    func answer(_ line: [UInt8], to id: String) -> Answer {
        guard hasHandshake else {
            // oneLine makes an empty document {}; an empty line is no answer.
            guard !line.isEmpty, HubJSON.oneLine(line) != nil else { return .broken("The answer is not JSON.") }
            return .output(line)
        }
        let head = Array((PythonBootstrap.answerHead + id + PythonBootstrap.answerMiddle).utf8)
        if line.starts(with: head), line.last == 0x7D { return .output(Array(line[head.count..<line.count - 1])) }
        guard let failure = try? HubJSON.decode(Failure.self, line), failure.id == id else {
            return .broken("The answer does not follow the protocol.")
        }
        if let limit = failure.error.limit {
            return .exceeded(limit: limit, message: "\(failure.error.type): \(failure.error.message)")
        }
        return .raised(type: failure.error.type, message: failure.error.message)
    }
}
