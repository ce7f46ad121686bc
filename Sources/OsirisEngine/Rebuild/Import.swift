import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// Finds one object by what its provider calls it, for an address of the manifest. Changes nothing.
public struct Import: Sendable {
    private let registry: ProviderRegistry

    public init(_ registry: ProviderRegistry) { self.registry = registry }

    /// - Returns: its record, which is not written yet.
    /// - Throws: a `Diagnostic`: OSR0307 if the manifest does not declare the address, the state has it or the object
    ///   already, or there is no such object; OSR0304 if the provider cannot tell; OSR0413 if what it lives on is not recorded.
    public func find(
        _ text: String, id: String, desired: DesiredGraph, in state: StateSnapshot, of cluster: Cluster
    ) async throws -> ResourceRecord {
        guard let address = ResourceAddress(text),
            let declaration = desired.declarations.first(where: { $0.address == address })
        else {
            throw Diagnostic(
                .noMatch, "the manifest declares no `\(text)`",
                help: "declare it first; `osiris graph --json` lists the addresses of the manifest")
        }
        if state.resources[address] != nil {
            throw Diagnostic(
                .noMatch, "the state has `\(address)` already", address: text,
                help: "`osiris state show \(address)` shows it")
        }
        var ancestors: [Attributes] = []
        var next = declaration.parent
        while let parent = next {
            guard let record = state.resources[parent] else {
                throw Diagnostic(
                    .parentMissing, "`\(address)` lives on `\(parent)`, which is not in the state", address: text,
                    help: "import or apply that one first")
            }
            ancestors.append(record.attributes)
            next = record.parent
        }
        guard let handler = registry.handler(provider: declaration.provider, type: address.type) else {
            throw Diagnostic(
                .unknownProvider, "there is no provider `\(declaration.provider)` with a type `\(address.type)`",
                address: text, help: "run the osiris that has it")
        }
        let isKnownByName = try check(id, for: address, handler.type)
        let request = ReadRequest(address: address, recorded: ["id": .string(id)], ancestors: ancestors, isImport: true)
        switch await handler.read([request], of: cluster)[0] {
        case .present(let attributes):
            guard isKnownByName || attributes["id"]?.stringValue == id else {
                throw Diagnostic(
                    .noMatch, "what is at `\(address)` is not called `\(id)`", address: text,
                    help: "give the attribute `id` of the one that is meant")
            }
            try refuseTwin(of: address, id: id, declaration.provider, attributes, in: state)
            var needs = declaration.dependsOn
            for value in declaration.attributes.values { value.forEachReference { needs.append($0.address) } }
            var seen = Set<ResourceAddress>()
            return ResourceRecord(
                address: address, provider: declaration.provider, attributes: attributes, parent: declaration.parent,
                dependsOn: needs.filter { seen.insert($0).inserted }, source: declaration.spans.whole)
        case .absent:
            throw Diagnostic(
                .noMatch, "there is no \(address.type) `\(id)` for `\(address)`", address: text,
                help: "is it in the place that the manifest names for the target?")
        case .unreadable(let why):
            throw Diagnostic(
                .resourceUnreadable, "`\(address)` cannot be read: \(why)", address: text,
                help: "mend the cause and import again; what has the marks of another resource is that one's")
        }
    }

    /// Two records of one object would have the next apply change it back and forth.
    private func refuseTwin(
        of address: ResourceAddress, id: String, _ provider: String, _ attributes: Attributes, in state: StateSnapshot
    ) throws {
        let twin = state.resources.values.first { other in
            other.provider == provider && other.address.type == address.type
                && other.attributes["id"]?.stringValue == id
                // Other regions and other stores may have another object of that name.
                && (attributes["region"].map { $0 == other.attributes["region"] }
                    ?? (other.address.target == address.target))
        }
        guard let twin else { return }
        throw Diagnostic(
            .noMatch, "the state has `\(id)` already, as `\(twin.address)`", address: address.text,
            help: "`osiris state mv \(twin.address) \(address)` gives it the other name")
    }

    /// - Returns: true for a function, which its hub knows by its name.
    /// - Throws: a `Diagnostic` OSR0307 for a type whose objects have no identity, and for the name of another function.
    private func check(_ id: String, for address: ResourceAddress, _ type: ResourceType) throws -> Bool {
        if type.schema["id"] != nil { return false }
        guard type.name == FunctionResource.type.name else {
            throw Diagnostic(
                .noMatch, "a \(type.name) has no identity to import by", address: address.text,
                help: type.name == "host"
                    ? "`osiris apply` takes a host that is nobody's: it leaves a marker on it"
                    : "one that carries the cluster's marks is listed by `osiris orphans`, and `osiris adopt` takes it")
        }
        let name = address.name.split(separator: ".").suffix(2).joined(separator: "/")
        guard id == name else {
            throw Diagnostic(
                .noMatch, "`\(address)` is the function `\(name)`, not `\(id)`", address: address.text,
                help: "give the address of `\(id)`, or its name")
        }
        return true
    }
}
