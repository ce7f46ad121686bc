/// How many operations run at once. Those of a type with `perSlot` share a slot.
struct Slots {
    /// What shares slots with its like only.
    struct Kind: Hashable {
        var provider: String
        var type: String
        /// Operations in one slot.
        var perSlot: Int
    }

    private let most: Int
    private var running: [Kind: Int] = [:]
    private var taken = 0

    init(_ most: Int) { self.most = most }

    func hasRoom(for kind: Kind) -> Bool { taken - slots(kind, 0) + slots(kind, 1) <= most }

    mutating func take(_ kind: Kind) { change(kind, 1) }
    mutating func free(_ kind: Kind) { change(kind, -1) }

    private mutating func change(_ kind: Kind, _ by: Int) {
        taken += slots(kind, by) - slots(kind, 0)
        running[kind, default: 0] += by
    }

    /// Those of a kind when so many more of it run.
    private func slots(_ kind: Kind, _ more: Int) -> Int {
        (running[kind, default: 0] + more + kind.perSlot - 1) / kind.perSlot
    }
}
