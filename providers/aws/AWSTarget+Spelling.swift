import OsirisDiagnostics
import OsirisManifest

extension AWSTarget {
    /// What EC2 would refuse later, call by call, seen by its form alone.
    static func misspelt(_ target: Target, tags: [String: String], publicKey: String?) -> [Diagnostic] {
        func text(_ path: String) -> String? {
            let parts = path.split(separator: ".").map(String.init)
            let outer = target.settings[parts[0]]
            return (parts.count == 1 ? outer : outer?.mapValue?[parts[1]])?.stringValue
        }
        func fault(_ message: String, _ path: String, _ help: String) -> Diagnostic {
            Diagnostic(.invalidPattern, "target \(target.name): \(message)", at: target.spans[path], help: help)
        }
        var faults: [Diagnostic] = []
        for (path, form, example) in forms {
            guard let text = text(path), text.wholeMatch(of: form()) == nil else { continue }
            faults.append(fault("`\(text)` is no value of `\(path)`", path, "such as \(example)"))
        }
        if let publicKey, !publicKey.hasPrefix("ssh-rsa "), !publicKey.hasPrefix("ssh-ed25519 ") {
            faults.append(
                fault(
                    "EC2 takes no key of the type \(publicKey.prefix { $0 != " " })", "access.ssh.publicKey",
                    "make one of ssh-ed25519 or ssh-rsa"))
        }
        for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
            guard !(1...128).contains(key.count) || value.count > 256 || key.lowercased().hasPrefix("aws:") else {
                continue
            }
            faults.append(
                fault(
                    "EC2 takes no tag like `\(key.prefix(40))`", "tags.\(key)",
                    "a key has 1 to 128 characters and does not begin with `aws:`, a value has at most 256"))
        }
        if tags.count > mostTags {
            faults.append(
                fault("\(tags.count) tags are more than EC2 takes beside the marks", "tags", "at most \(mostTags)"))
        }
        return faults
    }

    /// Of 50 (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html), without the five marks and `Name`.
    private static let mostTags = 44

    private static let forms: [(path: String, form: @Sendable () -> Regex<Substring>, example: String)] = [
        ("region", { /[a-z]+(?:-[a-z0-9]+)+/ }, "us-east-1"),
        ("machines.type", { /[a-z0-9-]+\.[a-z0-9-]+/ }, "t3.small"),
        ("aws.endpoint", { /https?:\/\/[^\s\/]\S*/ }, "http://127.0.0.1:5000"),
        ("aws.roleArn", { /arn:[a-z-]+:iam::[0-9]{12}:role\/\S+/ }, "arn:aws:iam::123456789012:role/osiris"),
    ]
}
