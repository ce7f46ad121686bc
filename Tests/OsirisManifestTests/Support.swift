import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import Testing

/// The folder of golden cases.
let casesFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Cases").path

/// Loads one case; every case sees the same environment.
func load(
    _ paths: [String], variables: [String: String] = [:], variableFiles: [String] = [],
    environment: [String: String] = testEnvironment, input: String = ""
) -> LoadedManifest {
    ManifestLoader.load(
        ManifestOptions(
            paths: paths, variables: variables, variableFiles: variableFiles, environment: environment,
            standardInput: { Array(input.utf8) },
            kinds: TestKinds.all, secretDigest: { "hmac-sha256:" + Digest.hex(Digest.hmacSHA256(key: [1], $0.utf8)) }))
}

/// Loads a text as if it came on the standard input.
func load(text: String, variables: [String: String] = [:], environment: [String: String] = testEnvironment)
    -> LoadedManifest
{
    load(["-"], variables: variables, environment: environment, input: text)
}

let testEnvironment = ["API_KEY": "hunter2", "PORT": "8123", "EMPTY": ""]

/// A small manifest with `spec` below it.
func manifest(_ spec: String) -> String {
    "apiVersion: osiris.dev/v1\nkind: Cluster\nmetadata: {name: edge}\nspec:\n" + spec
}

func codes(_ loaded: LoadedManifest) -> [String] { loaded.diagnostics.map(\.code.rawValue) }
