import OsirisModel

/// What a member of the cluster refused, in etcd's words: gRPC's status code
/// (https://grpc.io/docs/guides/status-codes/) and one of the texts of
/// https://github.com/etcd-io/etcd/blob/release-3.4/etcdserver/api/v3rpc/rpctypes/error.go.
struct EtcdStoreFault: Error, Sendable, Hashable {
    var code: Int
    /// Without `etcdserver: `.
    var text: String

    /// Nil if the answer is not an error of etcd's.
    init?(_ answer: Value?) {
        // A stream, such as that of keep-alives, has its error inside.
        guard let fields = answer?.mapValue, let error = fields["error"]?.mapValue ?? answer?.mapValue,
            let text = error["message"]?.stringValue ?? error["error"]?.stringValue
        else { return nil }
        code = EtcdStoreMessage.number(error["code"] ?? error["grpc_code"])
        self.text = text.replacing("etcdserver: ", with: "")
    }

    var isNotFound: Bool { code == 5 }

    /// The token is unknown or older than a change of users, or it is missing.
    var isAboutToken: Bool {
        code == 16 || text.contains("invalid auth token") || text.contains("revision of auth store is old")
            || text.contains("user name is empty")
    }

    /// Another member may do it, or this one a little later.
    var isPassing: Bool {
        // Without a leader a write ends in a bare timeout of Go's, which has no code of its own.
        code == 14 || code == 4 || isDropped || text == "too many requests" || text == "context deadline exceeded"
    }

    /// False only for what etcd refuses before it proposes anything to the cluster.
    var mayHaveTakenEffect: Bool {
        !(isDropped || ["no leader", "too many requests", "server stopped"].contains(text))
    }

    private var isDropped: Bool { text.contains("proposal dropped") }

    func error(at location: String) -> SharedStoreError {
        switch code {
        case _ where code == 7 || text.contains("authentication failed") || isAboutToken:
            SharedStoreError(
                .denied, "\(location) refuses access: \(text)",
                help: "check ETCDCTL_USER, and that the user's role may read and write all keys under the prefix")
        case _ where text.contains("too large"):
            SharedStoreError(.tooLarge, "\(location) refuses a value: \(text)")
        case _ where text.contains("database space exceeded"):
            SharedStoreError(
                .other, "\(location) takes no writes: its database is full",
                help: "compact and defragment etcd, then disarm its alarm (etcdctl alarm disarm)")
        default:
            SharedStoreError(.other, "\(location) refuses the request: \(text)")
        }
    }
}

/// One member that could not be asked, or could not answer now.
struct EtcdStoreFailure: Error, Sendable, Hashable {
    /// Name and port.
    var host: String
    var reason: String
    var mayHaveTakenEffect: Bool
    var isTLS: Bool

    func unknown(at location: String) -> SharedStoreError {
        SharedStoreError(
            .unknown, "the answer to a write to \(location) was lost: \(host): \(reason)",
            help: "check that most members of the cluster run")
    }

    /// What to say when no member answered. None of them did anything that the caller cares about.
    static func summary(_ failures: [EtcdStoreFailure], at address: SharedStoreAddress) -> SharedStoreError {
        let location = address.text
        let reasons = failures.map { "\($0.host): \($0.reason)" }.joined(separator: "; ")
        if failures.contains(where: \.isTLS) {
            return SharedStoreError(
                .denied, "no TLS connection to \(location): \(reasons)",
                help: "check ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY")
        }
        return SharedStoreError(
            .unavailable, "no member of \(location) can serve: \(reasons)",
            help: "check that most members of the cluster run and can be reached from here"
                + (address.scheme == .etcds
                    ? ", and ETCDCTL_CERT and ETCDCTL_KEY if they want a client certificate"
                    : "; the URL of those that speak TLS begins with etcds://"))
    }
}
