import Testing

@testable import OsirisEngine

struct SlotsTests {
    private let machine = Slots.Kind(provider: "cloud", type: "machine", perSlot: 3)
    private let host = Slots.Kind(provider: "ssh", type: "host", perSlot: 1)

    /// Starts as many of a kind as there is room for.
    private func fill(_ slots: inout Slots, _ kind: Slots.Kind) -> Int {
        var count = 0
        while slots.hasRoom(for: kind), count < 100 {
            slots.take(kind)
            count += 1
        }
        return count
    }

    @Test func thoseOfOneCallShareASlot() {
        var slots = Slots(2)
        #expect(fill(&slots, machine) == 6)
        #expect(!slots.hasRoom(for: host))
        for _ in 0..<2 { slots.free(machine) }
        // Four machines still take two slots.
        #expect(!slots.hasRoom(for: host) && slots.hasRoom(for: machine))
        slots.free(machine)
        #expect(fill(&slots, host) == 1)
        #expect(!slots.hasRoom(for: machine))
    }

    @Test func othersTakeOneEach() {
        var slots = Slots(4)
        #expect(fill(&slots, host) == 4)
        slots.free(host)
        #expect(fill(&slots, machine) == 3)
    }
}
