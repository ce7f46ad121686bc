/// How text is laid out for a person: with or without colour, and how wide.
public struct TextStyle: Sendable, Hashable {
    /// True to use SGR escape sequences (ECMA-48).
    public var color: Bool
    /// Columns; at least 40 are used.
    public var width: Int

    /// A style; the default is what a log file takes.
    public init(color: Bool = false, width: Int = 80) {
        self.color = color
        self.width = max(40, width)
    }
}

/// The colours and weights that are used, as SGR parameters.
enum Paint: String {
    case green = "32"
    case yellow = "33"
    case red = "31"
    case bold = "1"
    case dim = "2"
    case cyan = "36"
    case boldRed = "1;31"
}

extension TextStyle {
    /// `text` in a colour if colours are on.
    func paint(_ text: String, _ paint: Paint) -> String {
        color && !text.isEmpty ? "\u{1B}[\(paint.rawValue)m\(text)\u{1B}[0m" : text
    }
}
