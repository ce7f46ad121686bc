import OsirisTransport

/// Where an etcd cluster is and who to be there.
struct EtcdStoreSettings: Sendable {
    let address: SharedStoreAddress
    /// `http://h1:2379`, in the order given.
    let endpoints: [String]
    let tls: TLSFiles?
    let user: User?

    struct User: Sendable, CustomReflectable {
        let name: String
        let password: String
        var customMirror: Mirror { Mirror(self, children: ["name": name]) }
    }

    /// - Parameter environment: `ETCDCTL_CACERT`, `ETCDCTL_CERT`, `ETCDCTL_KEY`, `ETCDCTL_USER` (`NAME:PASSWORD`, or the
    ///   name alone with `ETCDCTL_PASSWORD`), as etcdctl has them
    ///   (https://github.com/etcd-io/etcd/tree/release-3.4/etcdctl#global-options).
    init(_ address: SharedStoreAddress, environment: [String: String]) throws(SharedStoreError) {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let isSecure = address.scheme == .etcds
        let hosts = address.authority.split(separator: ",", omittingEmptySubsequences: false)
        guard !hosts.contains(where: \.isEmpty) else {
            throw SharedStoreError(.other, "\(address.text) has an empty host", help: "write HOST:PORT,HOST:PORT")
        }
        self.address = address
        endpoints = hosts.map { host in
            let hasPort = host.drop { $0 != "]" }.contains(":") || (!host.contains("]") && host.contains(":"))
            return "\(isSecure ? "https" : "http")://\(host)\(hasPort ? "" : ":2379")"
        }
        let files = TLSFiles(
            authorities: variable("ETCDCTL_CACERT"), certificate: variable("ETCDCTL_CERT"),
            key: variable("ETCDCTL_KEY"))
        guard (files.certificate == nil) == (files.key == nil) else {
            throw SharedStoreError(
                .other, "only one of ETCDCTL_CERT and ETCDCTL_KEY is set for \(address.text)",
                help: "set both to the paths of PEM files, or neither")
        }
        tls = isSecure ? files : nil
        user = try variable("ETCDCTL_USER").map { (text) throws(SharedStoreError) in
            if let password = variable("ETCDCTL_PASSWORD") { return User(name: text, password: password) }
            guard let colon = text.firstIndex(of: ":") else {
                throw SharedStoreError(
                    .other, "ETCDCTL_USER has no password for \(address.text)",
                    help: "write it as NAME:PASSWORD, or set ETCDCTL_PASSWORD")
            }
            return User(name: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
        }
    }
}
