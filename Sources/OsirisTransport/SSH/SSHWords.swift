/// Makes lines for a POSIX shell.
public enum SSHWords {
    /// One line that a shell reads as exactly these words.
    public static func line(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

    /// A word in single quotes, unless it needs none (POSIX, Shell Command Language, 2.2.2).
    public static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy {
                (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || "_-./:,@%+".utf8.contains($0)
            }
        return isPlain ? word : "'" + word.replacing("'", with: #"'\''"#) + "'"
    }
}
