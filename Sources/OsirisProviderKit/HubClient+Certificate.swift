import OsirisTransport

extension CertificateFault {
    /// What it means for who asked a hub, in one sentence without a full stop, and the next step.
    public var advice: (meaning: String, help: String) {
        switch self {
        case .expired:
            ("its certificate has expired", "`osiris apply` makes a new one, on a machine whose clock is right")
        case .notYetValid:
            ("its certificate is not valid yet", "set the clock of this machine, or wait")
        case .untrusted:
            (
                "its certificate is not from the cluster's authority, so another program may listen there",
                "nothing was sent; see what listens at that address, then `osiris plan`"
            )
        case .otherName:
            (
                "its certificate is for another host, so another program may listen there",
                "nothing was sent; see what listens at that address, then `osiris plan`"
            )
        }
    }
}
