import Foundation
import OsirisModel

/// What is wrong with stored bytes, in a few words without a full stop. Whoever reads them names the key.
struct StoredFault: Error, Hashable {
    var reason: String
    /// Set if a newer osiris wrote them.
    var newerVersion: Int?

    init(_ reason: String) { self.reason = reason }
}

/// A stored JSON object, read field by field.
struct StoredFields {
    let map: [String: Value]

    init(_ value: Value?) throws(StoredFault) {
        guard let map = value?.mapValue else { throw StoredFault("an object is missing") }
        self.map = map
    }

    /// A whole document with its format version.
    init(document bytes: [UInt8]) throws(StoredFault) {
        let value: Value
        do { value = try Value(json: bytes) } catch { throw StoredFault("it is \(error)") }
        try self.init(value)
        let version = try int("formatVersion")
        guard version > LogFormat.version else { return }
        var fault = StoredFault("it is newer")
        fault.newerVersion = version
        throw fault
    }

    func has(_ name: String) -> Bool { map[name] != nil }

    func text(_ name: String) throws(StoredFault) -> String {
        guard case .string(let text)? = map[name] else { throw StoredFault("`\(name)` is missing") }
        return text
    }

    func int(_ name: String) throws(StoredFault) -> Int {
        guard let number = map[name]?.intValue else { throw StoredFault("`\(name)` is missing") }
        return number
    }

    func optionalText(_ name: String) throws(StoredFault) -> String? { has(name) ? try text(name) : nil }

    func attributes(_ name: String) throws(StoredFault) -> Attributes {
        guard let map = map[name]?.mapValue else { throw StoredFault("`\(name)` is missing") }
        return map
    }

    /// Empty if there is none.
    func list(_ name: String) throws(StoredFault) -> [Value] {
        guard let value = map[name] else { return [] }
        guard let list = value.listValue else { throw StoredFault("`\(name)` is not a list") }
        return list
    }

    func address(_ name: String) throws(StoredFault) -> ResourceAddress {
        guard let address = ResourceAddress(try text(name)) else { throw StoredFault("an address is malformed") }
        return address
    }

    func optionalAddress(_ name: String) throws(StoredFault) -> ResourceAddress? {
        has(name) ? try address(name) : nil
    }

    func addresses(_ name: String) throws(StoredFault) -> [ResourceAddress] {
        var found: [ResourceAddress] = []
        for item in try list(name) {
            guard let address = item.stringValue.flatMap(ResourceAddress.init) else {
                throw StoredFault("an address is malformed")
            }
            found.append(address)
        }
        return found
    }

    /// Milliseconds since 1970 UTC.
    func date(_ name: String) throws(StoredFault) -> Date { Date(stateMilliseconds: try int(name)) }
    func optionalDate(_ name: String) throws(StoredFault) -> Date? { has(name) ? try date(name) : nil }

    /// Base64.
    func optionalBytes(_ name: String) throws(StoredFault) -> [UInt8]? {
        guard let text = try optionalText(name) else { return nil }
        guard let data = Data(base64Encoded: text) else { throw StoredFault("`\(name)` is not base64") }
        return Array(data)
    }

    /// One of the words of an enumeration.
    func word<Word: RawRepresentable<String>>(_ name: String, _: Word.Type = Word.self) throws(StoredFault) -> Word {
        guard let word = Word(rawValue: try text(name)) else { throw StoredFault("`\(name)` is no word of ours") }
        return word
    }
}

extension [String: Value] {
    /// Sets a key; nil leaves it out.
    mutating func put(_ name: String, _ value: Value?) { if let value { self[name] = value } }

    mutating func put(_ name: String, _ addresses: [ResourceAddress]) {
        if !addresses.isEmpty { self[name] = .list(addresses.map { .string($0.text) }) }
    }

    mutating func put(_ name: String, _ date: Date?) { put(name, date.map { .int($0.stateMilliseconds) }) }
    mutating func put(_ name: String, _ bytes: [UInt8]?) {
        put(name, bytes.map { .string(Data($0).base64EncodedString()) })
    }
}
