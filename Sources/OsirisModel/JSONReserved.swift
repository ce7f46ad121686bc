extension Value {
    /// The inverse of how `JSONWriter` writes what JSON cannot say.
    init?(reservedKey key: String, content: Value) {
        switch (key, content) {
        case ("$map", .map): self = content
        case ("$unknown", .bool(true)): self = .unknown
        case ("$secret", .string(let digest)): self = .secret(Secret(digest: digest, plaintext: nil))
        case ("$double", .string("nan")): self = .double(.nan)
        case ("$double", .string("inf")): self = .double(.infinity)
        case ("$double", .string("-inf")): self = .double(-.infinity)
        case ("$reference", .list(let parts)):
            guard parts.count == 2, case .string(let text) = parts[0], case .string(let attribute) = parts[1],
                let address = ResourceAddress(text)
            else { return nil }
            self = .reference(AttributeReference(address, attribute))
        case ("$joined", .list(let parts)): self = .joined(parts)
        default: return nil
        }
    }
}
