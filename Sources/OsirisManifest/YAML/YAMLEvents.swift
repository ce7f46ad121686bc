import CLibYAML
import OsirisDiagnostics

/// One event of libyaml's parser, copied out of C memory.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(text: String, style: Node.Scalar.Style)
        case sequenceStart(isFlow: Bool)
        case sequenceEnd
        case mappingStart(isFlow: Bool)
        case mappingEnd
    }

    var kind: Kind
    var anchor: String?
    var tag: String?
    var place: Place
}

/// What libyaml complained about.
struct YAMLProblem: Error {
    var problem: String
    var place: Place
    var context: String?
    var contextPlace: Place?
}

/// libyaml's event interface (yaml_parser_parse) over a byte array.
struct YAMLEvents: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let file: Int32
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// - Parameter file: the index that all places carry.
    init(_ bytes: [UInt8], file: Int32) {
        self.file = file
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: bytes.count + 1)
        let end = input.update(from: bytes + [0]).index
        precondition(yaml_parser_initialize(parser) == 1, "libyaml is out of memory")
        yaml_parser_set_input_string(parser, input.baseAddress, end - 1)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event; after `streamEnd` or a throw there is none.
    mutating func next() throws(YAMLProblem) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        let place = Place(from: event.start_mark, to: event.end_mark, file: file)
        func answer(_ kind: YAMLEvent.Kind, _ anchor: UnsafePointer<UInt8>? = nil, _ tag: UnsafePointer<UInt8>? = nil)
            -> YAMLEvent
        {
            YAMLEvent(kind: kind, anchor: anchor.map(Self.text), tag: tag.map(Self.text), place: place)
        }
        switch event.type {
        case YAML_STREAM_START_EVENT: return answer(.streamStart)
        case YAML_DOCUMENT_START_EVENT: return answer(.documentStart)
        case YAML_DOCUMENT_END_EVENT: return answer(.documentEnd)
        case YAML_ALIAS_EVENT: return answer(.alias(Self.text(event.data.alias.anchor)))
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return answer(
                .scalar(text: String(decoding: bytes, as: UTF8.self), style: Self.style(scalar.style)), scalar.anchor,
                scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return answer(.sequenceStart(isFlow: start.style == YAML_FLOW_SEQUENCE_STYLE), start.anchor, start.tag)
        case YAML_SEQUENCE_END_EVENT: return answer(.sequenceEnd)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return answer(.mappingStart(isFlow: start.style == YAML_FLOW_MAPPING_STYLE), start.anchor, start.tag)
        case YAML_MAPPING_END_EVENT: return answer(.mappingEnd)
        default: return answer(.streamEnd)
        }
    }

    private func problem() -> YAMLProblem {
        func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
        let context = text(parser.pointee.context)
        return YAMLProblem(
            problem: text(parser.pointee.problem) ?? "not YAML",
            place: Place(from: parser.pointee.problem_mark, to: parser.pointee.problem_mark, file: file),
            context: context,
            contextPlace: context == nil
                ? nil : Place(from: parser.pointee.context_mark, to: parser.pointee.context_mark, file: file))
    }

    private static func text(_ pointer: UnsafePointer<UInt8>) -> String {
        String(decodingCString: pointer, as: UTF8.self)
    }

    private static func style(_ style: yaml_scalar_style_t) -> Node.Scalar.Style {
        switch style {
        case YAML_PLAIN_SCALAR_STYLE: .plain
        case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
        default: .quoted
        }
    }
}

extension Place {
    /// libyaml counts from zero.
    init(from start: yaml_mark_t, to end: yaml_mark_t, file: Int32) {
        self.init(
            line: Int32(clamping: start.line + 1), column: Int32(clamping: start.column + 1),
            endLine: Int32(clamping: end.line + 1), endColumn: Int32(clamping: end.column + 1), file: file)
    }
}
