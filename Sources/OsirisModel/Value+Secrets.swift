extension Value {
    /// True if this value is, or has in it, a secret of which only the digest is known.
    public var hasForgottenSecret: Bool {
        var found = false
        forEachSecret { if $0.plaintext == nil { found = true } }
        return found
    }

    /// Calls `body` with every secret in this value.
    public func forEachSecret(_ body: (Secret) -> Void) {
        switch self {
        case .secret(let secret): body(secret)
        case .list(let items): for item in items { item.forEachSecret(body) }
        case .map(let entries): for value in entries.values { value.forEachSecret(body) }
        default: break
        }
    }

    /// The value with every secret in it replaced.
    public func mappingSecrets(_ transform: (Secret) -> Secret) -> Value {
        switch self {
        case .secret(let secret): .secret(transform(secret))
        case .list(let items): .list(items.map { $0.mappingSecrets(transform) })
        case .map(let entries): .map(entries.mapValues { $0.mappingSecrets(transform) })
        default: self
        }
    }
}
