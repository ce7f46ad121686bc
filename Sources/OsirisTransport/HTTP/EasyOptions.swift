import CLibCurl

/// Sets options of an easy handle and remembers the first refusal.
struct EasyOptions {
    let easy: UnsafeMutableRawPointer
    private(set) var result = CURLE_OK

    init(easy: UnsafeMutableRawPointer) { self.easy = easy }

    /// libcurl copies the text.
    mutating func set(_ option: CURLoption, _ text: String) { note(osiris_curl_set_string(easy, option, text)) }
    mutating func set(_ option: CURLoption, _ number: Int) { note(osiris_curl_set_long(easy, option, number)) }

    /// libcurl copies the bytes.
    mutating func set(_ option: CURLoption, bytes: [UInt8]) {
        note(osiris_curl_set_bytes(easy, option, bytes, bytes.count))
    }

    /// Clears a text that libcurl was built with, such as the folder of the system's CAs.
    mutating func clear(_ option: CURLoption) { note(osiris_curl_set_string(easy, option, nil)) }

    /// libcurl keeps the pointer: it must live as long as the handle.
    mutating func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) {
        note(osiris_curl_set_pointer(easy, option, pointer))
    }

    mutating func set(_ option: CURLoption, callback: osiris_curl_data_callback) {
        note(osiris_curl_set_callback(easy, option, callback))
    }

    mutating func set(_ option: CURLoption, opening callback: curl_opensocket_callback) {
        note(osiris_curl_set_opening(easy, option, callback))
    }

    mutating func set(_ option: CURLoption, before callback: osiris_curl_before_callback) {
        note(osiris_curl_set_before(easy, option, callback))
    }

    private mutating func note(_ code: CURLcode) { if result == CURLE_OK { result = code } }
}

extension HTTPError.Kind {
    init(_ code: CURLcode, sent: Bool) {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT: self = .couldNotConnect
        case CURLE_OPERATION_TIMEDOUT: self = .timedOut
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2,
            CURLE_HTTP2_STREAM:
            self = .connectionLost(sent: sent)
        case CURLE_FILESIZE_EXCEEDED: self = .tooLarge
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            self = .tls
        default: self = .other
        }
    }
}
