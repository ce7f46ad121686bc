/// Why something over SSH did not work. Holds no passwords, keys, nor output of commands.
public struct SSHError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The name is not known, nobody listens there, or the other side is no SSH server.
        case unreachable
        /// No answer in time.
        case timedOut
        /// The host's key is in none of the files.
        case unknownHostKey(SSHHostKey)
        /// The files have another key for the host. Nothing was sent to it.
        case changedHostKey(SSHHostKey)
        /// No login worked.
        case refused
        /// The connection ended. What a command did until then is not known.
        case lost
        /// A command wrote more than its limit; it was ended.
        case tooMuchOutput
        /// The server does not allow a channel, such as a tunnel from a jump host.
        case notAllowed
        /// The login works, but not sudo or doas; the script did not begin.
        case elevation
    }

    public var kind: Kind
    /// `user@host:port`, with `via …` for jumps.
    public var place: String
    /// One sentence without a full stop.
    public var reason: String
    /// What to do about it; empty if there is nothing to say.
    public var help: String

    public init(_ kind: Kind, _ place: String, _ reason: String, help: String = "") {
        self.kind = kind
        self.place = place
        self.reason = reason
        self.help = help
    }

    public var description: String { "\(place): \(reason)" }
}
