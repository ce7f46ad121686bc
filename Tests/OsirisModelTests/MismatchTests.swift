import OsirisModel
import Testing

@Suite struct MismatchTests {
    @Test func objectsAreComparedByKeyAndNumbersByValue() {
        func fits(_ expected: Value, _ answer: Value) -> Bool { expected.mismatches(with: answer).isEmpty }
        #expect(fits(["a": ["b": 1]], ["a": ["b": .double(1), "c": 2], "d": 3]))
        #expect(!fits(["a": 1], ["b": 1]))
        #expect(!fits(["a", "b"], ["a"]))
        #expect(fits([["a": 1]], [["a": 1, "b": 2]]))
        #expect(fits(.null, .null) && !fits(.null, .bool(false)) && fits([:], ["a": 1]))
    }

    @Test func everyPlaceThatDiffersIsNamed() {
        let expected: Value = ["items": [["price": 1], ["price": 2]], "name": "a", "more": true]
        let answer: Value = ["items": [["price": 1], ["price": 3]], "name": "b"]
        #expect(
            expected.mismatches(with: answer) == [
                Mismatch(path: "items.1.price", expected: 2, found: 3),
                Mismatch(path: "more", expected: true, found: nil), Mismatch(path: "name", expected: "a", found: "b"),
            ])
        #expect(Value.list([1]).mismatches(with: [1, 2]) == [Mismatch(path: "", expected: [1], found: [1, 2])])
    }
}
