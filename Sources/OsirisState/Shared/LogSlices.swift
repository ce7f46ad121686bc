import Foundation
import OsirisModel

/// Cuts a segment that is too large for one value into slices at consecutive positions, and puts them together again.
///
/// The cut is anywhere in the bytes, so one change may be larger than a value. A segment counts only when its last slice
/// is there: what a killed writer left of one is passed over.
struct LogSlices: Sendable {
    private var id = ""
    private var bytes: [UInt8] = []
    private var count = 0

    /// The values to store, in order: the segment itself if it fits.
    static func cut(_ segment: LogSegment, limit: Int) -> [[UInt8]] {
        let whole = segment.json()
        if whole.count <= limit { return [whole] }
        // Base64 takes 4 bytes for 3, and the fields around it fewer than 256.
        let size = max(1, (limit - 256) / 4 * 3)
        let starts = Array(stride(from: 0, to: whole.count, by: size))
        return starts.enumerated().map { number, start in
            var map: [String: Value] = [
                "formatVersion": .int(LogFormat.version), "id": .string(segment.id), "slice": .int(number + 1),
                "slices": .int(starts.count),
            ]
            map.put("bytes", Array(whole[start..<min(start + size, whole.count)]))
            return Value.map(map).json()
        }
    }

    /// Takes the next value of the log.
    /// - Returns: the segment that it completes; nil for a slice that others follow.
    mutating func add(_ value: [UInt8]) throws(StoredFault) -> LogSegment? {
        let fields = try StoredFields(document: value)
        guard fields.has("slice") else {
            self = LogSlices()
            return try LogSegment(fields)
        }
        let number = try fields.int("slice")
        if number == 1 {
            self = LogSlices()
            id = try fields.text("id")
        }
        guard try fields.text("id") == id, number == count + 1, let slice = try fields.optionalBytes("bytes") else {
            throw StoredFault("it is a slice without those before it")
        }
        count = number
        bytes += slice
        guard number == (try fields.int("slices")) else { return nil }
        defer { self = LogSlices() }
        return try LogSegment(try StoredFields(document: bytes))
    }
}
