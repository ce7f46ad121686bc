import CLibZ

/// Makes bytes smaller, as gzip(1) does (https://www.rfc-editor.org/rfc/rfc1952).
public enum Gzip {
    /// The same bytes give the same answer: neither a time nor a name is in it.
    public static func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        // 15 bits of window, and 16 for the header of gzip.
        precondition(osiris_deflate_begin(&stream, Z_BEST_COMPRESSION, 15 + 16) == Z_OK, "zlib has no memory")
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
        let length = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                (stream.next_in, stream.avail_in) = (source.baseAddress, UInt32(source.count))
                (stream.next_out, stream.avail_out) = (target.baseAddress, UInt32(target.count))
                // There is room for all of it, so one call ends it.
                precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
                return Int(stream.total_out)
            }
        }
        return Array(output.prefix(length))
    }
}
