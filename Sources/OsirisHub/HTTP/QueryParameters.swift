import Foundation
import Hummingbird
import OsirisModel

extension Request {
    /// A moment in the query: seconds since 1970, or how long ago, as in `10m`.
    /// - Returns: seconds since 1970; nil if the query does not say.
    /// - Throws: `HubError` 400.
    func time(_ name: String) throws -> Double? {
        guard let text = uri.queryParameters[Substring(name)].map(String.init) else { return nil }
        if let ago = Quantities.milliseconds(text) { return Date().timeIntervalSince1970 - Double(ago) / 1000 }
        guard let seconds = Double(text), seconds.isFinite, seconds >= 0 else {
            throw HubError(400, "bad_request", "\(name) must be seconds since 1970, or how long ago, like 10m.")
        }
        return seconds
    }

    /// `true` or `false` in the query; false if it does not say.
    /// - Throws: `HubError` 400.
    func flag(_ name: String) throws -> Bool {
        guard let text = uri.queryParameters[Substring(name)] else { return false }
        guard let flag = Bool(String(text)) else {
            throw HubError(400, "bad_request", "\(name) must be true or false.")
        }
        return flag
    }

    /// A whole number in the query.
    /// - Throws: `HubError` 400.
    func number(_ name: String, in range: ClosedRange<Int>, or fallback: Int) throws -> Int {
        guard let text = uri.queryParameters[Substring(name)] else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw HubError(
                400, "bad_request", "\(name) must be a whole number in \(range.lowerBound)...\(range.upperBound).")
        }
        return number
    }
}
