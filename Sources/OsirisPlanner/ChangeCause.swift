import OsirisModel
import OsirisProviderKit

/// Tells who made the arguments of a resource differ: the manifest, somebody outside, or another resource.
struct ChangeCause {
    private let declaration: ResourceDeclaration
    private let diff: AttributeDiff
    private let recorded: Attributes
    private let actual: Attributes

    init(_ declaration: ResourceDeclaration, _ diff: AttributeDiff, recorded: Attributes, actual: Attributes) {
        (self.declaration, self.diff, self.recorded, self.actual) = (declaration, diff, recorded, actual)
    }

    /// What makes it another object although its arguments may be the same, or nil.
    static func moved(
        from record: ResourceRecord, to declaration: ResourceDeclaration, parentAction: Action?
    ) -> String? {
        if record.provider != declaration.provider { return "provider" }
        if record.parent == declaration.parent { return nil }
        // A parent that a newer version of a provider tells of is no move, as long as it was there all the time.
        return record.parent == nil && parentAction != .create ? nil : "parent"
    }

    /// - Parameters:
    ///   - differing: between what exists and what is wanted.
    ///   - arguments: as wanted, references resolved as far as they are known.
    func reason(_ differing: [AttributeChange], arguments: Attributes) -> ActionReason {
        let byManifest = diff.arguments(before: recorded, after: arguments).map(\.path)
        let byOthers = diff.drift(recorded: recorded, actual: actual).map(\.path)
        var (manifest, drifted, followed): ([String], [String], [String]) = ([], [], [])
        var origin: ResourceAddress?
        for path in differing.map(\.path) {
            // One path may be in both: a conflict.
            if Self.touches(byOthers, path) { drifted.append(path) }
            guard Self.touches(byManifest, path) else { continue }
            if let address = referenced(at: path) {
                followed.append(path)
                origin = origin ?? address
            } else {
                manifest.append(path)
            }
        }
        switch (manifest.isEmpty, drifted.isEmpty) {
        case (true, true): return origin.map { .follows($0, followed) } ?? .manifestChanged(differing.map(\.path))
        case (true, false): return .drifted(drifted)
        case (false, true): return .manifestChanged(manifest)
        case (false, false): return .manifestChangedAndDrifted(manifest: manifest, drift: drifted)
        }
    }

    /// True if `path`, something in it or something around it is among `paths`.
    private static func touches(_ paths: [String], _ path: String) -> Bool {
        paths.contains { $0 == path || $0.hasPrefix(path + ".") || path.hasPrefix($0 + ".") }
    }

    /// The resource whose value stands at exactly this path, the first by address if there are several.
    private func referenced(at path: String) -> ResourceAddress? {
        var value = Value.map(declaration.attributes)
        var rest = Substring(path)
        while !rest.isEmpty {
            guard case .map(let entries) = value else { break }
            // A key may have dots itself.
            if let whole = entries[String(rest)] {
                (value, rest) = (whole, "")
            } else if let dot = rest.firstIndex(of: "."), let next = entries[String(rest[..<dot])] {
                (value, rest) = (next, rest[rest.index(after: dot)...])
            } else {
                return nil
            }
        }
        var found: [ResourceAddress] = []
        value.forEachReference { found.append($0.address) }
        return found.min()
    }
}
