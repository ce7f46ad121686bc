import OsirisDiagnostics

/// The text of one manifest file.
struct SourceFile: Sendable {
    /// As the user wrote it, or `<stdin>`.
    let name: String
    /// Its place in the run's `SourceSet`.
    var index: Int32 = 0
    /// What relative paths written in it lack, as in `../../base/`; empty for the files of the command line.
    var prefix = ""
    /// Without a byte order mark.
    let bytes: [UInt8]
    /// The byte offset of each line's start.
    private let lineStarts: [Int]

    /// - Throws: one diagnostic if the bytes are not UTF-8 or hold characters that YAML forbids.
    init(name: String, bytes: [UInt8]) throws(Diagnostic) {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw Diagnostic(
                .error, .invalidEncoding, "`\(name)` is UTF-16, not UTF-8", at: Self.span(at: 0, of: bytes, in: name),
                help: "save the file as UTF-8")
        }
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        self.name = name
        self.bytes = content
        self.lineStarts = Self.lineStarts(of: content)
        if String(validating: content, as: UTF8.self) == nil {
            let offset = Self.firstInvalid(content)
            throw Diagnostic(
                .error, .invalidEncoding, "the byte 0x\(Digits.hex(content[offset])) is not valid UTF-8",
                at: Self.span(at: offset, of: content, in: name), help: "save the file as UTF-8")
        }
        if let offset = Self.firstForbidden(content) {
            let scalar = String(decoding: content[offset...].prefix(4), as: UTF8.self).unicodeScalars.first
            let code = Digits.hex(scalar?.value ?? 0, width: 4)
            throw Diagnostic(
                .error, .yamlSyntax, "the character U+\(code) is not allowed in a manifest",
                at: Self.span(at: offset, of: content, in: name),
                help: "remove it, or write it as \"\\u\(code)\" in double quotes")
        }
    }

    /// A path written in this file, from the manifest's folder.
    func rebased(_ path: String) -> String {
        prefix.isEmpty || path.hasPrefix("/") || path.hasPrefix("~") ? path : RelativePath.normalized(prefix + path)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Lines, an unfinished last one included.
    var lineCount: Int {
        lineStarts.count - (lineStarts.last == bytes.count ? 1 : 0)
    }

    /// The bytes between two places.
    func bytes(of place: Place) -> ArraySlice<UInt8> {
        let start = offset(line: place.line, column: place.column)
        return bytes[start..<max(start, offset(line: place.endLine, column: place.endColumn))]
    }

    /// The character at the start of a place, or nil at the end of a line.
    func character(at place: Place) -> Unicode.Scalar? {
        let rest = bytes[offset(line: place.line, column: place.column)...].prefix(4)
        let scalar = String(decoding: rest, as: UTF8.self).unicodeScalars.first
        return scalar == "\n" || scalar == "\r" ? nil : scalar
    }

    private func offset(line: Int32, column: Int32) -> Int {
        guard line >= 1, Int(line) <= lineStarts.count else { return bytes.count }
        var offset = lineStarts[Int(line) - 1]
        for _ in 1..<max(1, column) where offset < bytes.count {
            offset += 1
            while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
        }
        return offset
    }

    private static func lineStarts(of bytes: [UInt8]) -> [Int] {
        var starts = [0]
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == 0x0A || (byte == 0x0D && !(index + 1 < bytes.count && bytes[index + 1] == 0x0A)) {
                starts.append(index + 1)
            }
        }
        return starts
    }

    /// One-based line and column of a byte, lines split as YAML splits them.
    static func position(ofByte offset: Int, in bytes: [UInt8]) -> SourcePosition {
        var position = SourcePosition(line: 1, column: 1)
        for index in 0..<min(offset, bytes.count) {
            let byte = bytes[index]
            if byte == 0x0A || (byte == 0x0D && !(index + 1 < bytes.count && bytes[index + 1] == 0x0A)) {
                position = SourcePosition(line: position.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80, byte != 0x0D {
                position.column += 1
            }
        }
        return position
    }

    private static func span(at offset: Int, of bytes: [UInt8], in name: String) -> SourceSpan {
        let start = position(ofByte: offset, in: bytes)
        return SourceSpan(
            file: name, start: start, end: SourcePosition(line: start.line, column: start.column + 1))
    }

    private static func firstInvalid(_ bytes: [UInt8]) -> Int {
        var decoder = UTF8.ForwardParser()
        var input = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.parseScalar(from: &input) {
            case .valid(let scalar): offset += scalar.count
            case .error, .emptyInput: return min(offset, bytes.count - 1)
            }
        }
    }

    /// Control characters, and the line breaks of YAML 1.1 that 1.2 made ordinary text: libyaml would fold them away.
    private static func firstForbidden(_ bytes: [UInt8]) -> Int? {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte >= 0x20 && byte < 0x7F { continue }
            switch byte {
            case 0x09, 0x0A, 0x0D: continue
            case 0..<0x20, 0x7F: return index
            case 0xC2: if bytes[index + 1] < 0xA0 { return index }
            case 0xE2:
                if bytes[index + 1] == 0x80, bytes[index + 2] == 0xA8 || bytes[index + 2] == 0xA9 { return index }
            case 0xEF:
                if bytes[index + 1] == 0xBB, bytes[index + 2] == 0xBF { return index }
                if bytes[index + 1] == 0xBF, bytes[index + 2] >= 0xBE { return index }
            default: continue
            }
        }
        return nil
    }
}

/// Hexadecimal numbers for messages.
enum Digits {
    static func hex(_ number: some BinaryInteger, width: Int = 2) -> String {
        let digits = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
