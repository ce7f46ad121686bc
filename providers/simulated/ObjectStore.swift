import OsirisModel

/// The owner of one store file and of what its lines add up to.
///
/// Costs one `stat` while nobody else writes; a file that grew is read from where it grew, a file that changed in any
/// other way is read whole.
actor ObjectStore {
    private let file: StoreFile
    private var fold = ObjectFold()
    private var known: StoreFile.Stamp?
    /// Where the next line to fold begins.
    private var offset = 0
    private var lines = 0
    /// The file ends in bytes that are no whole line.
    private var endsTorn = false
    /// Somebody else made the file grow; their hands may have been elsewhere in it too.
    private var grewOutside = false

    init(path: String) { file = StoreFile(path: path) }

    // MARK: Reading

    /// The present objects under `lookups`, in their order.
    func read(_ lookups: [(address: ResourceAddress, id: String?)], outside: OutsideWorld?) throws -> [StoredObject?] {
        try refresh(trustingGrowth: false)
        if let outside, known != nil { try happen(outside, lookups.map(\.address)) }
        return lookups.map { fold.present($0.address, id: $0.id) }
    }

    /// Every object alive under `address`.
    func candidates(_ address: ResourceAddress) throws -> [StoredObject] {
        try refresh(trustingGrowth: false)
        guard fold.stands(address) else { return [] }
        return fold.candidates(address)
    }

    /// Every object of `type` that is there.
    func all(_ type: String) throws -> [StoredObject] {
        try refresh(trustingGrowth: false)
        return fold.all(type)
    }

    // MARK: Changing

    /// The object under `address` that carries the line's token, made if there is none. `isNew` says which.
    func create(_ line: StoreLine, at address: ResourceAddress) throws -> (object: StoredObject, isNew: Bool) {
        try changing(line.owner, token: line.token) { file in
            guard fold.stands(address) else {
                throw SimulatedRefusal.nothingBelow(SimulatedChain.parent(of: address)?.text ?? "")
            }
            let found = fold.candidates(address)
            if let mine = found.first(where: { $0.createToken == line.token }) { return (mine, false) }
            if let other = found.first { throw SimulatedRefusal.exists(id: other.id) }
            // What stood on an earlier object of this address went with it, although no line said so.
            for object in fold.above(address) {
                try append(Self.deletion(of: object, token: line.token, line.owner), to: file)
            }
            try append(line, to: file)
            guard let made = fold.candidates(address).first else { throw SimulatedRefusal.gone }
            return (made, true)
        }
    }

    /// Changes an object to `attributes`, which are all it shall have. Nothing is written if they are all it has.
    func update(
        _ address: ResourceAddress, id: String?, token: String, owner: StoreOwner?,
        to attributes: (StoredObject) -> Attributes
    ) throws -> (object: StoredObject, isNew: Bool) {
        try changing(owner, token: token) { file in
            guard let object = fold.present(address, id: id) else { throw SimulatedRefusal.gone }
            var changes = attributes(object)
            if object.lastToken == token || changes == object.attributes { return (object, false) }
            for name in object.attributes.keys where changes[name] == nil { changes[name] = .null }
            let line = StoreLine(
                operation: .update, id: object.id, type: String(address.type), address: address.text, token: token,
                attributes: changes, owner: owner)
            try append(line, to: file)
            return (fold.present(address, id: object.id) ?? object, true)
        }
    }

    /// Gives an object another address; one that has it already stays as it is.
    /// - Returns: false if nothing had to be changed.
    func move(
        _ from: ResourceAddress, to: ResourceAddress, id: String?, token: String, owner: StoreOwner?
    ) throws -> Bool {
        try changing(owner, token: token) { file in
            guard let object = fold.present(from, id: id) else {
                guard fold.present(to, id: id) != nil else { throw SimulatedRefusal.gone }
                return false
            }
            if let other = fold.candidates(to).first { throw SimulatedRefusal.exists(id: other.id) }
            let line = StoreLine(
                operation: .move, id: object.id, type: String(to.type), address: to.text, token: token, attributes: [:],
                owner: owner)
            try append(line, to: file)
            return true
        }
    }

    /// Removes every object under `address` and all that stands on it; false if there was none.
    func delete(_ address: ResourceAddress, id: String?, token: String, owner: StoreOwner?) throws -> Bool {
        if owner == nil, try file.stamp() == nil { return false }
        return try changing(owner, token: token) { file in
            let found = fold.candidates(address).filter { id == nil || $0.id == id }
            // Another object of this address keeps what stands on it.
            let above = found.count == fold.candidates(address).count ? fold.above(address) : []
            for object in above + found { try append(Self.deletion(of: object, token: token, owner), to: file) }
            return !found.isEmpty
        }
    }

    /// Keeps a fence without changing an object.
    func raise(_ owner: StoreOwner?, token: String) throws { try changing(owner, token: token) { _ in } }

    /// Runs `body` under the lock of the file, if no later run was there. Whatever it comes to, the runs before are
    /// refused from then on.
    private func changing<Result>(
        _ owner: StoreOwner?, token: String, _ body: (LockedStoreFile) throws -> Result
    ) throws -> Result {
        try file.locked { file in
            try refresh(trustingGrowth: true)
            guard let owner else { return try body(file) }
            let highest = fold.fences[owner.lineage] ?? 0
            guard highest <= owner.fence else {
                throw SimulatedRefusal.fenced(highest: highest, own: owner.fence)
            }
            let result = Swift.Result { try body(file) }
            if fold.fences[owner.lineage] != owner.fence { try append(.fence(owner, token: token), to: file) }
            return try result.get()
        }
    }

    private static func deletion(of object: StoredObject, token: String, _ owner: StoreOwner? = nil) -> StoreLine {
        StoreLine(
            operation: .delete, id: object.id, type: String(object.address.type), address: object.address.text,
            token: token, attributes: [:], owner: owner)
    }

    /// Lets objects change or vanish by themselves.
    private func happen(_ outside: OutsideWorld, _ addresses: [ResourceAddress]) throws {
        try file.locked { file in
            try refresh(trustingGrowth: true)
            for address in addresses where !fold.touchedOutside.contains(address.text) {
                guard let object = fold.present(address), let event = outside.event(object) else { continue }
                switch event {
                case .vanish:
                    for gone in fold.above(address) + [object] {
                        try append(Self.deletion(of: gone, token: StoreLine.outside), to: file)
                    }
                case .change(let attributes):
                    let line = StoreLine(
                        operation: .update, id: object.id, type: String(address.type), address: address.text,
                        token: StoreLine.outside, attributes: attributes)
                    try append(line, to: file)
                }
            }
        }
    }

    private func append(_ line: StoreLine, to locked: LockedStoreFile) throws {
        let bytes = line.encoded()
        if endsTorn {
            try locked.append([UInt8(ascii: "\n")])
            endsTorn = false
            lines += 1
        }
        try locked.append(bytes)
        fold.apply(line)
        lines += 1
        known = try file.stamp()
        offset = known?.size ?? 0
    }

    // MARK: Following the file

    private func refresh(trustingGrowth: Bool) throws {
        let present = try file.stamp()
        if present == known && (trustingGrowth || !grewOutside) { return }
        let grew = present?.inode == known?.inode && (present?.size ?? 0) > (known?.size ?? 0) && known != nil
        if !(grew && trustingGrowth) {
            fold = ObjectFold()
            (offset, lines) = (0, 0)
        }
        let isWhole = offset == 0
        do {
            try foldLines(try file.read(from: offset)[...])
        } catch {
            // An error must not leave half a fold behind as the truth.
            (fold, known, offset, lines) = (ObjectFold(), nil, 0, 0)
            throw error
        }
        known = present
        grewOutside = !isWhole
    }

    private func foldLines(_ bytes: ArraySlice<UInt8>) throws(StoreError) {
        var rest = bytes
        endsTorn = false
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n"))
            let line = rest[..<(end ?? rest.endIndex)]
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) {
                // An empty line says nothing.
            } else if let parsed = StoreLine(decoding: line) {
                fold.apply(parsed)
            } else if !StoreLine.isTorn(line) {
                throw StoreError(
                    message: "line \(lines + 1) of the simulated store \(file.path) is not a line of such a store")
            }
            guard let end else {
                endsTorn = true
                break
            }
            lines += 1
            rest = rest[(end + 1)...]
        }
        offset += bytes.count - (endsTorn ? rest.count : 0)
    }
}
