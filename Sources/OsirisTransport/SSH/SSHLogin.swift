import CLibSSH2
import Foundation

/// Logging in: the agent's keys, key files, then the password, as far as the server offers them.
extension SSHConnection {
    /// - Throws: `SSHError` `refused` with what was tried, `timedOut`, `lost`.
    func login(_ destination: SSHDestination, until deadline: ContinuousClock.Instant) async throws {
        let user = destination.user
        var offers: String?
        let code = try await step(until: deadline) { session in
            guard let list = libssh2_userauth_list(session, user, UInt32(user.utf8.count)) else {
                // Nil also when the server asks for no login at all.
                return libssh2_userauth_authenticated(session) == 1 ? 0 : libssh2_session_last_errno(session)
            }
            offers = String(cString: list)
            return 0
        }
        guard code == 0 else { throw fail("the login could not begin: \(handle.lastError)") }
        guard let offers else { return }
        var tried: [String] = []
        if offers.contains("publickey") {
            if destination.agent != nil, try await useAgent(destination, &tried, until: deadline) { return }
            for identity in destination.identities {
                if try await use(identity, user, &tried, until: deadline) { return }
            }
        }
        if let password = destination.password {
            if try await use(password, user, offers, &tried, until: deadline) { return }
        }
        let story = tried.isEmpty ? "nothing to try was given" : tried.joined(separator: "; ")
        throw SSHError(
            .refused, place, "the login as \(user) was refused: \(story)",
            help: "the server offers: \(offers.replacingOccurrences(of: ",", with: ", "))")
    }

    private func useAgent(
        _ destination: SSHDestination, _ tried: inout [String], until deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        let (user, path) = (destination.user, destination.agent ?? "")
        guard let agent = libssh2_agent_init(handle.session) else { return false }
        defer { libssh2_agent_free(agent) }
        libssh2_agent_set_identity_path(agent, path)
        guard libssh2_agent_connect(agent) == 0, libssh2_agent_list_identities(agent) == 0 else {
            tried.append("the agent at \(path) does not answer")
            return false
        }
        defer { libssh2_agent_disconnect(agent) }
        var all: [UnsafeMutablePointer<libssh2_agent_publickey>] = []
        var key: UnsafeMutablePointer<libssh2_agent_publickey>?
        while libssh2_agent_get_identity(agent, &key, all.last) == 0, let found = key { all.append(found) }
        // The keys that were named come first: a server hangs up after a few that it does not know.
        let named = Set(destination.identities.compactMap { Self.publicKey(of: $0.path) })
        let isNamed = { (key: UnsafeMutablePointer<libssh2_agent_publickey>) in
            named.contains(Data(bytes: key.pointee.blob, count: key.pointee.blob_len))
        }
        // Certificates would only use up tries.
        let plain = all.filter { !Self.isCertificate($0) }
        let keys = plain.filter(isNamed) + (destination.identitiesOnly ? [] : plain.filter { !isNamed($0) })
        for key in keys {
            let code = try await step(until: deadline) { _ in libssh2_agent_userauth(agent, user, key) }
            if code == 0 { return true }
            if Self.isLost(code) { throw fail("the server hung up after \(keys.count) keys of the agent at most") }
        }
        let left = all.count - plain.count
        let note = left == 0 ? "" : " (and not its \(left) certificates, which this libssh2 cannot use)"
        tried.append("\(keys.count) keys of the agent\(note)")
        return false
    }

    /// A key begins with its type, such as `ssh-ed25519-cert-v01@openssh.com` (PROTOCOL.certkeys of OpenSSH).
    private static func isCertificate(_ key: UnsafeMutablePointer<libssh2_agent_publickey>) -> Bool {
        let beginning = Data(bytes: key.pointee.blob, count: min(key.pointee.blob_len, 64))
        return beginning.firstRange(of: Data("-cert-v01@openssh.com".utf8)) != nil
    }

    private static func isLost(_ code: Int32) -> Bool {
        [LIBSSH2_ERROR_SOCKET_DISCONNECT, LIBSSH2_ERROR_SOCKET_SEND, LIBSSH2_ERROR_SOCKET_RECV].contains(code)
    }

    /// What stands in the public key's file beside a private key; nil if there is none.
    private static func publicKey(of path: String) -> Data? {
        let words = (try? String(contentsOfFile: path + ".pub", encoding: .utf8))?.split(separator: " ")
        guard let words, words.count > 1 else { return nil }
        return Data(base64Encoded: String(words[1]))
    }

    private func use(
        _ identity: SSHDestination.Identity, _ user: String, _ tried: inout [String],
        until deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        guard FileManager.default.isReadableFile(atPath: identity.path) else {
            tried.append("the key \(identity.path) is not there or not readable")
            return false
        }
        let code = try await step(until: deadline) { session in
            libssh2_userauth_publickey_fromfile_ex(
                session, user, UInt32(user.utf8.count), nil, identity.path, identity.passphrase)
        }
        if code == 0 { return true }
        if Self.isLost(code) { throw fail("the server hung up during the login") }
        switch code {
        case LIBSSH2_ERROR_FILE:
            let why = identity.passphrase == nil ? "it may need a passphrase" : "its passphrase may be wrong"
            tried.append("the key \(identity.path) cannot be read; \(why)")
        default:
            tried.append("the key \(identity.path)" + Self.note(onKeyAt: identity.path))
        }
        return false
    }

    /// libssh2 up to 1.10 signs with RSA and SHA-1 only, which servers since OpenSSH 8.8 refuse; and it offers the key
    /// alone, without its certificate.
    private static func note(onKeyAt path: String) -> String {
        if FileManager.default.fileExists(atPath: path + "-cert.pub") {
            return " (without its certificate \(path)-cert.pub, which this libssh2 cannot use: put the key itself into "
                + "authorized_keys)"
        }
        let isRSA = (try? String(contentsOfFile: path + ".pub", encoding: .utf8))?.hasPrefix("ssh-rsa") == true
        let isOld = libssh2_version(0x010B00) == nil
        return isRSA && isOld
            ? " (an RSA key, and this libssh2 cannot sign with one for current servers: use an ed25519 key)" : ""
    }

    private func use(
        _ password: String, _ user: String, _ offers: String, _ tried: inout [String],
        until deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        let length = UInt32(user.utf8.count)
        if offers.split(separator: ",").contains("password") {
            let code = try await step(until: deadline) { session in
                libssh2_userauth_password_ex(session, user, length, password, UInt32(password.utf8.count), nil)
            }
            if code == 0 { return true }
            tried.append("the password")
        }
        if offers.contains("keyboard-interactive") {
            handle.answer = password
            defer { handle.answer = "" }
            let code = try await step(until: deadline) { session in
                libssh2_userauth_keyboard_interactive_ex(session, user, length) {
                    _, _, _, _, count, prompts, responses, abstract in
                    guard let object = abstract?.pointee, let responses else { return }
                    let handle = Unmanaged<SSHHandle>.fromOpaque(object).takeUnretainedValue()
                    for index in 0..<Int(count) {
                        // A question whose answer may be seen is not the one for the password.
                        let text = prompts?[index].echo == 0 ? handle.answer : ""
                        // libssh2 frees it.
                        responses[index].text = strdup(text)
                        responses[index].length = UInt32(text.utf8.count)
                    }
                }
            }
            if code == 0 { return true }
            tried.append("the password, asked for interactively")
        }
        return false
    }
}
