import Foundation

/// An access key, from the environment or else from the shared credentials file
/// (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html).
struct S3StoreCredentials: Sendable, CustomReflectable {
    let accessKey: String
    let secretKey: String
    let sessionToken: String?

    var customMirror: Mirror { Mirror(self, children: [:]) }

    /// - Parameter environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, or else
    ///   `AWS_SHARED_CREDENTIALS_FILE` and `AWS_PROFILE`.
    init(environment: [String: String], home: String, location: String) throws(SharedStoreError) {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let accessKey = variable("AWS_ACCESS_KEY_ID"), let secretKey = variable("AWS_SECRET_ACCESS_KEY") {
            (self.accessKey, self.secretKey) = (accessKey, secretKey)
            sessionToken = variable("AWS_SESSION_TOKEN")
            return
        }
        let path = variable("AWS_SHARED_CREDENTIALS_FILE") ?? home + "/.aws/credentials"
        let profile = variable("AWS_PROFILE") ?? "default"
        let help =
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write both into that file as `aws_access_key_id` and "
            + "`aws_secret_access_key`"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw SharedStoreError(
                .denied, "there are no credentials for \(location): \(path) cannot be read", help: help)
        }
        let entries = Self.entries(of: profile, in: text)
        guard let accessKey = entries["aws_access_key_id"], let secretKey = entries["aws_secret_access_key"] else {
            throw SharedStoreError(
                .denied, "there are no credentials for \(location): \(path) has no key for profile \(profile)",
                help: help)
        }
        (self.accessKey, self.secretKey) = (accessKey, secretKey)
        sessionToken = entries["aws_session_token"]
    }

    /// The names in lower case and values below `[profile]`.
    private static func entries(of profile: String, in text: String) -> [String: String] {
        var isInside = false
        var entries: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
                isInside =
                    line[line.index(after: line.startIndex)..<end].trimmingCharacters(in: .whitespaces) == profile
            } else if isInside, let equals = line.firstIndex(of: "=") {
                let name = line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
                let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
                entries[name] = value.isEmpty ? nil : value
            }
        }
        return entries
    }
}
