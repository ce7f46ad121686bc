import OsirisDiagnostics

/// The files of one run; a `Place` names its file by the index it has here.
struct SourceSet: Sendable {
    private(set) var files: [SourceFile] = []

    init(_ files: [SourceFile] = []) { for file in files { add(file) } }

    /// - Returns: the file with its index.
    @discardableResult mutating func add(_ file: SourceFile) -> SourceFile {
        var file = file
        file.index = Int32(clamping: files.count)
        files.append(file)
        return file
    }

    /// The file of a place.
    subscript(place: Place) -> SourceFile { files[Int(place.file)] }

    /// See `SourceFile.place(ofExpression:in:)`.
    func place(ofExpression ordinal: Int, in node: Node) -> Place {
        self[node.writtenAt ?? node.place].place(ofExpression: ordinal, in: node)
    }
}

extension Place {
    func span(in sources: SourceSet) -> SourceSpan { span(in: sources[self].name) }
}
