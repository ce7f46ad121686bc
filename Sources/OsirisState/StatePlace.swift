import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisTransport

/// Where a state is: a file of this machine, or a service that many machines share.
public struct StatePlace: Sendable, Hashable, CustomStringConvertible {
    private enum Kind: Sendable, Hashable {
        case file(String)
        case shared(SharedStoreAddress)
    }

    private let kind: Kind

    /// - Parameters:
    ///   - text: a path, or `etcd://HOST:PORT,HOST:PORT/PREFIX`, `etcds://…`, `s3://BUCKET/PREFIX`.
    ///   - folder: where a relative path begins.
    /// - Throws: `DiagnosticsError` (OSR0416) if the text is a malformed URL, or one of a service that is not known.
    public init(_ text: String, folder: String) throws(DiagnosticsError) {
        guard text.contains("://") else {
            guard !text.isEmpty else {
                throw Self.invalid(
                    "the state's place is empty", help: "name a file, or a URL such as s3://BUCKET/PREFIX")
            }
            let base = URL(fileURLWithPath: folder, isDirectory: true)
            kind = .file(URL(fileURLWithPath: text, relativeTo: base).standardizedFileURL.path)
            return
        }
        do throws(SharedStoreError) {
            kind = .shared(try SharedStoreAddress(text))
        } catch {
            throw Self.invalid(error.message, help: error.help)
        }
    }

    /// Absolute path, or URL without secrets.
    public var description: String {
        switch kind {
        case .file(let path): path
        case .shared(let address): address.text
        }
    }

    /// True for a file of this machine.
    public var isFile: Bool { if case .file = kind { true } else { false } }

    /// Where files that belong to the state lie: beside a file, or in the folder for what belongs to the manifest.
    public func folder(keyFolder: String) -> String {
        (keyPath(keyFolder: keyFolder) as NSString).deletingLastPathComponent
    }

    /// Of the key file.
    func keyPath(keyFolder: String) -> String {
        switch kind {
        case .file(let path): Self.keyPath(beside: path)
        case .shared: keyFolder + "/key"
        }
    }

    /// `key` beside `state.db`. Another file has a key file of its own: who changes or removes one key must not take
    /// away that of a neighbour.
    static func keyPath(beside path: String) -> String {
        let (folder, name) = ((path as NSString).deletingLastPathComponent, (path as NSString).lastPathComponent)
        let key = name == "state.db" ? "key" : name + ".key"
        return folder.isEmpty ? key : folder + "/" + key
    }

    /// - Parameter environment: settings and credentials of services.
    /// - Throws: `DiagnosticsError` (OSR0416) if settings are missing or malformed. Nothing is sent or opened yet.
    func backend(environment: [String: String]) throws(DiagnosticsError) -> any StateBackend {
        switch kind {
        case .file(let path): return LocalBackend(path: path)
        case .shared(let address):
            do throws(SharedStoreError) {
                return SharedBackend(
                    try address.store(environment: environment, home: HomeFolder.path(environment), http: HTTPClient()))
            } catch {
                throw Self.invalid(error.message, help: error.help)
            }
        }
    }

    private static func invalid(_ message: String, help: String?) -> DiagnosticsError {
        DiagnosticsError([Diagnostic(.statePlace, message, help: help)])
    }
}
