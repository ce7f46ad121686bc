import OsirisModel

/// What stands on what in a simulated machine, from the bottom up.
///
/// All resources of a machine carry its name as the first part of their own (`fleet/function.m0001.demo.hello`), so an
/// address alone says on which machine it is and what it stands on.
enum SimulatedChain {
    static let types = ["machine", "engine", "image", "hub", "function"]

    /// How far up the chain a type is; a type that is not of the chain stands on nothing.
    static func rank(_ type: some StringProtocol) -> Int { types.firstIndex { $0 == type } ?? 0 }

    /// `fleet/m0001`: the key of the machine an address belongs to.
    static func machineKey(_ address: ResourceAddress) -> String {
        "\(address.target)/\(address.name.prefix { $0 != "." })"
    }

    /// The address of what `address` stands on; nil for a machine.
    static func parent(of address: ResourceAddress) -> ResourceAddress? {
        let rank = rank(address.type)
        guard rank > 0 else { return nil }
        return ResourceAddress(
            target: String(address.target), type: types[rank - 1], name: String(address.name.prefix { $0 != "." }))
    }
}
