import CLibSSH2

/// Looks host keys up in files of the `known_hosts` format, hashed names and patterns of ports included.
enum SSHKnownHosts {
    enum Verdict: Sendable, Equatable {
        case known
        case unknown
        /// There is another key of the same type.
        case changed
        /// There are only keys of other types. The server may have one of those as well.
        case otherType
    }

    /// Judges the key of a server.
    /// - Parameters:
    ///   - known: files, of which those that do not exist are passed over, and keys of this very host.
    ///   - name: host name, address or alias.
    ///   - port: nil to look for the bare name only.
    static func verdict(
        _ handle: SSHHandle, _ known: (files: [String], keys: [String]), name: String, port: Int?
    ) -> Verdict {
        guard let hosts = libssh2_knownhost_init(handle.session) else { return .unknown }
        defer { libssh2_knownhost_free(hosts) }
        for file in known.files { libssh2_knownhost_readfile(hosts, file, LIBSSH2_KNOWNHOST_FILE_OPENSSH) }
        for key in known.keys {
            let line = "\(port.map { $0 == 22 ? name : "[\(name)]:\($0)" } ?? name) \(key)\n"
            libssh2_knownhost_readline(hosts, line, line.utf8.count, LIBSSH2_KNOWNHOST_FILE_OPENSSH)
        }
        var length = 0
        var type: Int32 = 0
        guard let key = libssh2_session_hostkey(handle.session, &length, &type) else { return .unknown }
        func check(_ typeBits: Int32) -> Int32 {
            let mask = LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW | typeBits
            return libssh2_knownhost_checkp(hosts, name, Int32(port ?? -1), key, length, mask, nil)
        }
        switch check(bits(type)) {
        case LIBSSH2_KNOWNHOST_CHECK_MATCH: return .known
        case LIBSSH2_KNOWNHOST_CHECK_MISMATCH: return .changed
        default: return check(0) == LIBSSH2_KNOWNHOST_CHECK_MISMATCH ? .otherType : .unknown
        }
    }

    private static func bits(_ type: Int32) -> Int32 {
        switch type {
        case LIBSSH2_HOSTKEY_TYPE_RSA: LIBSSH2_KNOWNHOST_KEY_SSHRSA
        case LIBSSH2_HOSTKEY_TYPE_ECDSA_256: LIBSSH2_KNOWNHOST_KEY_ECDSA_256
        case LIBSSH2_HOSTKEY_TYPE_ECDSA_384: LIBSSH2_KNOWNHOST_KEY_ECDSA_384
        case LIBSSH2_HOSTKEY_TYPE_ECDSA_521: LIBSSH2_KNOWNHOST_KEY_ECDSA_521
        case LIBSSH2_HOSTKEY_TYPE_ED25519: LIBSSH2_KNOWNHOST_KEY_ED25519
        default: 0
        }
    }
}
