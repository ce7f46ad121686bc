import Foundation
import OsirisModel

/// JSON text of plain values.
enum StoreJSON {
    static func encode(_ value: Value) throws -> [UInt8] {
        Array(
            try JSONSerialization.data(
                withJSONObject: object(value), options: [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes]))
    }

    static func decode(_ bytes: ArraySlice<UInt8>) -> Value? {
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])).flatMap(value)
    }

    private static func object(_ value: Value) -> Any {
        switch value {
        case .null, .unknown, .secret, .reference: NSNull()
        case .bool(let flag): flag
        case .int(let number): number
        case .double(let number): number
        case .string(let text): text
        case .list(let items): items.map(object)
        case .map(let entries): entries.mapValues(object)
        }
    }

    private static func value(_ object: Any) -> Value? {
        switch object {
        case is NSNull: return .null
        case let text as String: return .string(text)
        case let number as NSNumber:
            if number.objCType.pointee == CChar(bitPattern: UInt8(ascii: "c")) { return .bool(number.boolValue) }
            return Int(exactly: number.doubleValue).map(Value.int) ?? .double(number.doubleValue)
        case let items as [Any]: return .list(items.compactMap(value))
        case let entries as [String: Any]: return .map(entries.compactMapValues(value))
        default: return nil
        }
    }
}
