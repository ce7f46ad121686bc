import CLibCurl
import Foundation
import OsirisModel

/// One exchange: what libcurl reads and fills, and who waits.
///
/// Unchecked, because it is handed over once: `send` makes it and queues it, and from then on only the transfer thread
/// touches it, until that thread resumes the waiter and lets go of it.
final class Transfer: @unchecked Sendable {
    typealias Waiter = CheckedContinuation<HTTPResponse, any Error>

    let id: UInt64
    let request: HTTPRequest
    private let tunnel: SSHTunnelOpener?
    private let waiter: Waiter
    private(set) var easy: UnsafeMutableRawPointer?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    /// libcurl reads body and error text at fixed places for as long as the easy handle lives.
    private let upload: UnsafeMutableBufferPointer<UInt8>
    private let errorText = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var headers: [HTTPHeader] = []
    private var body: [UInt8] = []
    private var bodyIsTooLarge = false
    private var sendings = 0
    /// What `request.upload` or `request.receive` threw.
    private var failure: (any Error)?
    private var refusedAddress: String?

    /// - Parameter tunnel: opens connections for a request that goes through a host.
    init(id: UInt64, request: HTTPRequest, tunnel: SSHTunnelOpener?, waiter: Waiter) {
        self.id = id
        self.request = request
        self.tunnel = tunnel
        self.waiter = waiter
        upload = .allocate(capacity: request.body?.count ?? 0)
        _ = upload.initialize(from: request.body ?? [])
        errorText.initialize(repeating: 0)
    }

    deinit {
        if let easy { curl_easy_cleanup(easy) }
        curl_slist_free_all(headerList)
        upload.deallocate()
        errorText.deallocate()
    }

    /// Makes the easy handle. On the transfer thread.
    /// - Returns: what libcurl says to the options; anything but `CURLE_OK` is for `finish`.
    func start() -> CURLcode {
        guard let easy = curl_easy_init() else { return CURLE_OUT_OF_MEMORY }
        self.easy = easy
        guard let fields = headerFields() else { return CURLE_BAD_FUNCTION_ARGUMENT }
        for field in fields {
            guard let list = curl_slist_append(headerList, field) else { return CURLE_OUT_OF_MEMORY }
            headerList = list
        }
        var options = EasyOptions(easy: easy)
        let context = Unmanaged.passUnretained(self).toOpaque()
        options.set(CURLOPT_URL, request.url)
        options.set(CURLOPT_PROTOCOLS_STR, "http,https")
        options.set(CURLOPT_ERRORBUFFER, pointer: errorText.baseAddress)
        // Without it, name resolution may raise signals in a program with threads.
        options.set(CURLOPT_NOSIGNAL, 1)
        options.set(CURLOPT_TIMEOUT_MS, max(1, Int(request.timeout / .milliseconds(1))))
        options.set(CURLOPT_HTTPHEADER, pointer: headerList)
        options.set(CURLOPT_HEADERDATA, pointer: context)
        options.set(CURLOPT_HEADERFUNCTION) { data, size, count, context in
            Transfer.of(context).receiveHeader(UnsafeRawBufferPointer(start: data, count: size * count))
        }
        options.set(CURLOPT_WRITEDATA, pointer: context)
        options.set(CURLOPT_WRITEFUNCTION) { data, size, count, context in
            Transfer.of(context).receiveBody(UnsafeRawBufferPointer(start: data, count: size * count))
        }
        if let socket = request.unixSocket { options.set(CURLOPT_UNIX_SOCKET_PATH, socket) }
        if let tunnel { options.set(tunnel, of: context) }
        if request.body != nil {
            options.set(CURLOPT_POST, 1)
            options.set(CURLOPT_POSTFIELDSIZE_LARGE, upload.count)
            options.set(CURLOPT_POSTFIELDS, pointer: upload.baseAddress)
        }
        if let upload = request.upload {
            options.set(CURLOPT_UPLOAD, 1)
            options.set(CURLOPT_INFILESIZE_LARGE, upload.size)
            options.set(CURLOPT_READDATA, pointer: context)
            options.set(CURLOPT_READFUNCTION) { data, size, count, context in
                Transfer.of(context).sendBody(UnsafeMutableRawBufferPointer(start: data, count: size * count))
            }
        }
        if let tls = request.tls { options.set(tls) }
        if let signing = request.signing { options.set(signing) }
        if request.mayReach != nil { options.set(CURLOPT_PROXY, "") }
        if request.sendsOnce || request.upload != nil || request.mayReach != nil || tunnel != nil {
            options.set(CURLOPT_PREREQDATA, pointer: context)
            options.set(CURLOPT_PREREQFUNCTION) { context, address, _, _, _ in
                Transfer.of(context).beginSending(to: address.map { String(cString: $0) } ?? "")
            }
        }
        if request.method == "HEAD" { options.set(CURLOPT_NOBODY, 1) }
        options.set(CURLOPT_CUSTOMREQUEST, request.method)
        return options.result
    }

    /// Resumes the waiter. Called exactly once, after the easy handle has left the multi handle.
    func finish(_ result: CURLcode) {
        var status = 0
        var requestSize = 0
        if let easy {
            osiris_curl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
            osiris_curl_get_long(easy, CURLINFO_REQUEST_SIZE, &requestSize)
        }
        if let failure {
            waiter.resume(throwing: failure)
        } else if result == CURLE_OK {
            waiter.resume(returning: HTTPResponse(status: status, headers: headers, body: body))
        } else {
            waiter.resume(throwing: error(result, sent: requestSize > 0))
        }
    }

    /// Resumes the waiter of a cancelled exchange, instead of `finish`.
    func cancel() { waiter.resume(throwing: CancellationError()) }

    private func error(_ result: CURLcode, sent: Bool) -> HTTPError {
        if let refusedAddress {
            return HTTPError(
                kind: .addressRefused, sent: sendings > 0, curlCode: Int(result.rawValue),
                reason: "the address \(refusedAddress) is not allowed", request: request.summary)
        }
        if let failure = tunnel?.failure {
            // The last sending went into a tunnel that did not come about.
            return HTTPError(
                kind: .couldNotConnect, sent: sendings > 1, curlCode: Int(result.rawValue),
                reason: failure.description, request: request.summary)
        }
        if sendings > 1, request.sendsOnce {
            return HTTPError(
                kind: .connectionLost(sent: true), sent: true, curlCode: Int(result.rawValue),
                reason: "the connection ended before the answer", request: request.summary)
        }
        let detail = String(decoding: errorText.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        // With TLS 1.3 a server refuses a client's certificate after the handshake, unread what was sent by then.
        let isRefusedCertificate = result == CURLE_RECV_ERROR && HTTPError.tellsOfRefusedCertificate(detail)
        let sent = sent && !isRefusedCertificate
        let kind: HTTPError.Kind =
            bodyIsTooLarge ? .tooLarge : isRefusedCertificate ? .tls : HTTPError.Kind(result, sent: sent)
        let standard = String(cString: curl_easy_strerror(result))
        let reason = bodyIsTooLarge ? "the body is larger than \(request.maxBodySize) bytes" : detail
        return HTTPError(
            kind: kind, sent: sent, curlCode: Int(result.rawValue), reason: reason.isEmpty ? standard : reason,
            request: request.summary, certificate: result == CURLE_PEER_FAILED_VERIFICATION ? certificateFault : nil)
    }

    private var certificateFault: CertificateFault? {
        var result = 0
        guard let easy, osiris_curl_get_long(easy, CURLINFO_SSL_VERIFYRESULT, &result) == CURLE_OK else { return nil }
        return CertificateFault(verifyResult: result)
    }

    /// libcurl is connected and about to send the request, for the first time or once more.
    private func beginSending(to address: String) -> Int32 {
        if let mayReach = request.mayReach, !mayReach(address) {
            refusedAddress = address
            return Int32(CURL_PREREQFUNC_ABORT)
        }
        sendings += 1
        let isOnce = request.sendsOnce || request.upload != nil
        return sendings > 1 && isOnce ? Int32(CURL_PREREQFUNC_ABORT) : Int32(CURL_PREREQFUNC_OK)
    }

    private func receiveHeader(_ line: UnsafeRawBufferPointer) -> Int {
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            // A new status line ends what an interim response (100 Continue) said.
            headers = []
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append(HTTPHeader(String(text[..<colon]), String(value.prefix { !$0.isNewline })))
        }
        return line.count
    }

    private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        if let receive = request.receive, isSuccess {
            do { try receive(Array(bytes)) } catch {
                failure = error
                return -1
            }
            return bytes.count
        }
        guard body.count + bytes.count <= request.maxBodySize else {
            bodyIsTooLarge = true
            // Any other count than given makes libcurl close the connection.
            return -1
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private var isSuccess: Bool {
        var status = 0
        if let easy { osiris_curl_get_long(easy, CURLINFO_RESPONSE_CODE, &status) }
        return (200..<300).contains(status)
    }

    private func sendBody(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let upload = request.upload else { return 0 }
        do {
            let bytes = try upload.read(buffer.count)
            buffer.copyBytes(from: bytes)
            return bytes.count
        } catch {
            failure = error
            return Int(CURL_READFUNC_ABORT)
        }
    }

    /// The header lines as libcurl wants them; nil if one would break out of its line.
    private func headerFields() -> [String]? {
        let headers = request.headers + (request.signing?.headers(for: request.body) ?? [])
        var fields = headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        guard !(fields + [request.method]).contains(where: { $0.utf8.contains { $0 < 0x20 && $0 != 0x09 } }) else {
            return nil
        }
        // libcurl 7.88 would sign a header that is only named to be left out.
        if request.signing != nil { return fields }
        // libcurl would wait a second for a 100 Continue, and would call every body a form.
        fields.append("Expect:")
        if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            fields.append("Content-Type:")
        }
        return fields
    }

    /// The port of the URL; libcurl knows it when it wants a connection.
    private var port: Int {
        let parts = URLComponents(string: request.url)
        return parts?.port ?? (parts?.scheme?.lowercased() == "https" ? 443 : 80)
    }

    /// A socket for libcurl, which connects it to the address left here
    /// (https://curl.se/libcurl/c/CURLOPT_OPENSOCKETFUNCTION.html).
    fileprivate func openTunnel(_ address: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
        guard let address, let near = tunnel?.open(port: port) else { return CURL_SOCKET_BAD }
        address.pointee.addrlen = UInt32(near.address.count)
        withUnsafeMutableBytes(of: &address.pointee.addr) { $0.copyBytes(from: near.address) }
        return near.client
    }

    fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> Transfer {
        // start() set it, and the thread keeps the transfer for as long as libcurl may call.
        Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
    }
}

extension EasyOptions {
    /// Makes libcurl connect to the near ends of tunnels.
    fileprivate mutating func set(_ tunnel: SSHTunnelOpener, of context: UnsafeMutableRawPointer) {
        // libcurl looks no name up then, uses no proxy, and keeps connections by this name. It cannot be given a socket
        // that is connected already: 7.88 connects it again, in spite of CURL_SOCKOPT_ALREADY_CONNECTED.
        set(CURLOPT_UNIX_SOCKET_PATH, tunnel.name)
        set(CURLOPT_OPENSOCKETDATA, pointer: context)
        set(CURLOPT_OPENSOCKETFUNCTION, opening: { context, _, address in Transfer.of(context).openTunnel(address) })
    }
}
