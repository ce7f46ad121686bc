import OsirisModel
import Testing

@Suite struct JSONSyntaxTests {
    static let valid: [(String, Value)] = [
        ("0", Value.int(0)), ("-0", .int(0)), ("-1", -1), ("9223372036854775807", .int(.max)),
        ("-9223372036854775808", .int(.min)), ("9223372036854775808", .double(9_223_372_036_854_775_808)),
        ("-9223372036854775809", Value.double(-9_223_372_036_854_775_808)), ("1.0", .double(1)),
        ("1e2", .double(100)),
        ("1E+2", .double(100)), ("25e-2", .double(0.25)), ("5e-324", .double(.leastNonzeroMagnitude)),
        ("0.1", .double(0.1)),
        ("1e-400", .double(0)), (" \t\r\n null \n", .null), ("true", true), ("false", false), (#""""#, ""),
        (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")), (#""\u00e9\u20AC""#, "é€"),
        (#""\ud83d\uDE00""#, "😀"), (#""\u0000""#, "\0"), ("[ ]", []), ("{ }", [:]), ("[1 , 2]", [1, 2]),
        (#"{ "a" : [ { } ] }"#, ["a": [[:]]]), (#"{"":1}"#, ["": 1]), (#"{"$unknown":true}"#, .unknown),
        (#"{"$ref":1}"#, ["$ref": 1]), (#"{"$map":{"$unknown":true}}"#, ["$unknown": true]),
        (#"{"$unknown":true,"a":1}"#, ["$unknown": true, "a": 1]),
        (#"{"a":1,"$map":1}"#, ["a": 1, "$map": 1]),
    ]

    @Test(arguments: valid)
    func reads(text: String, value: Value) throws {
        #expect(try Value(json: Array(text.utf8)) == value)
    }

    /// The text, and the offset the error must name.
    static let invalid: [(String, Int)] = [
        ("", 0), (" ", 1), ("nul", 3), ("nulL", 3), ("True", 0), ("01", 1), ("-", 1), ("+1", 0), (".5", 0), ("1.", 2),
        ("1.e3", 2), ("1e", 2), ("1e+", 3), ("-01", 2), ("1e400", 0), ("0x10", 1), ("NaN", 0), ("1 2", 2), ("[", 1),
        ("[1", 2), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("{", 1), (#"{"a""#, 4), (#"{"a":"#, 5),
        (#"{"a":1,}"#, 7), (#"{"a" 1}"#, 5), (#"{a:1}"#, 1), (#"{"a":1,"a":2}"#, 7), (#""abc"#, 4), ("\"a\nb\"", 2),
        (#""\x""#, 2), (#""\u12""#, 5), (#""\u12G4""#, 5), (#""\ud800""#, 3), (#""\udc00""#, 3),
        (#""\ud800\u0041""#, 3),
        ("'a'", 0), ("// c\n1", 0), ("[1]]", 3), ("\u{FEFF}1", 0), (#"{"$unknown":false}"#, 0), (#"{"$secret":1}"#, 0),
        (#"{"$reference":["x","y"]}"#, 0), (#"{"$map":1}"#, 8), (#"{"$map":{},"a":1}"#, 10), (#"{"$secret":"x","#, 15),
    ]

    @Test(arguments: invalid)
    func refuses(text: String, offset: Int) {
        let error = #expect(throws: JSONError.self) { try Value(json: Array(text.utf8)) }
        #expect(error?.offset == offset, "\(text): \(error?.description ?? "")")
    }

    static let invalidUTF8: [[UInt8]] = [
        [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
        [0x22, 0x5C, 0x6E, 0xF5, 0x80, 0x80, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22], [0x80],
    ]

    @Test(arguments: invalidUTF8)
    func refusesInvalidUTF8(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try Value(json: bytes) }
    }

    @Test func boundsDepth() throws {
        let text = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try Value(json: Array(text(200).utf8))
        let error = #expect(throws: JSONError.self) { try Value(json: Array(text(201).utf8)) }
        #expect(error?.offset == 200)
        // A document made to be read again and again at every level must not take exponential time.
        let hostile = String(repeating: #"{"$secret":"#, count: 150) + "1" + String(repeating: #","x":1}"#, count: 150)
        _ = try Value(json: Array(hostile.utf8))
    }

    @Test func foreignTextNeverBecomesSpecial() throws {
        let text = #"{"$secret":"hmac-sha256:00"}"#
        #expect(try Value(plainJSON: Array(text.utf8)) == ["$secret": "hmac-sha256:00"])
        #expect(String(decoding: Value.map(["$secret": "hmac-sha256:00"]).plainJSON(), as: UTF8.self) == text)
        #expect(Value.map(["$secret": "x"]).jsonText == #"{"$map":{"$secret":"x"}}"#)
    }

    @Test func secretsAreWrittenAsDigests() throws {
        let secret = Value.secret(Secret(digest: "hmac-sha256:ab", plaintext: "CANARY"))
        let value = Value.map(["outer": [secret]])
        for text in [value.jsonText, value.prettyJSONText, String(decoding: value.plainJSON(), as: UTF8.self)] {
            #expect(!text.contains("CANARY"))
        }
        let read = try Value(json: secret.json())
        #expect(read == secret && read.stringValue == nil)
    }

    @Test func writesNumbersAndPrettyText() {
        let numbers = [0.1, 3, -0.0, 1e300, .nan, -.infinity].map(Value.double)
        #expect(Value.list(numbers).jsonText == #"[0.1,3.0,-0.0,1e+300,{"$double":"nan"},{"$double":"-inf"}]"#)
        #expect(
            Value.map(["b": [1, [:]], "a": .unknown]).prettyJSONText == """
                {
                  "a": {
                    "$unknown": true
                  },
                  "b": [
                    1,
                    {}
                  ]
                }
                """)
    }
}
