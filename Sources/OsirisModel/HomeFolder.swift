import Foundation

/// The user's folder, where tools keep settings and keys.
public enum HomeFolder {
    /// `$HOME`, as other tools take it; where it is not set, what the system has for the user.
    public static func path(_ environment: [String: String]) -> String {
        environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
    }
}
