/// Why a shared store did not do what it was asked.
struct SharedStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    enum Kind: Sendable, Hashable {
        /// The service cannot be reached or is overloaded. Nothing took effect; try again.
        case unavailable
        /// No answer: the write may have taken effect, now or a little later.
        case unknown
        /// The service refuses these credentials, or they may not do this.
        case denied
        /// No such bucket.
        case missing
        /// The value is larger than the service takes.
        case tooLarge
        case other
    }

    var kind: Kind
    /// One sentence with the store's location, without a full stop and without secrets.
    var message: String
    /// The next step, if there is one.
    var help: String?

    init(_ kind: Kind, _ message: String, help: String? = nil) {
        self.kind = kind
        self.message = message
        self.help = help
    }

    var description: String { message }
}
