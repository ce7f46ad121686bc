import OsirisModel

/// What stands on what in a simulated machine, from the bottom up.
///
/// All resources of a machine carry its name as the first part of their own (`fleet/function.m0001.demo.hello`), so an
/// address alone says on which machine it is and what it stands on.
enum SimulatedChain {
    static let types = ["machine", "engine", "image", "hub", "function"]

    /// How far up the chain an address is; a type that is not of the chain stands on nothing.
    static func rank(_ address: ResourceAddress) -> Int {
        let rest = address.text.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst()
        return types.firstIndex { rest.starts(with: $0.utf8) && rest.dropFirst($0.utf8.count).first == dot } ?? 0
    }

    /// `fleet/m0001`: the key of the machine an address belongs to.
    static func machineKey(_ address: ResourceAddress) -> String {
        // Bytes, not characters: this runs for every object of every read.
        let text = address.text.utf8
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")), let end = text[slash...].firstIndex(of: dot) else {
            return address.text
        }
        var key = String(address.text[...slash])
        key += Substring(text[text.index(after: end)...].prefix { $0 != dot })
        return key
    }

    private static let dot = UInt8(ascii: ".")

    /// The address of what `address` stands on; nil for a machine.
    static func parent(of address: ResourceAddress) -> ResourceAddress? {
        let rank = rank(address)
        guard rank > 0 else { return nil }
        return ResourceAddress(
            target: String(address.target), type: types[rank - 1], name: String(address.name.prefix { $0 != "." }))
    }
}
