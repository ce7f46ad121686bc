import Testing

@testable import OsirisTransport

/// Files of host keys.
@Suite struct SSHPinnedKeysTests {
    private func key(_ base64: String) -> SSHHostKey {
        SSHHostKey(type: "ssh-ed25519", base64: base64, fingerprint: "SHA256:x")
    }

    @Test func aFileInGitIsSorted() {
        var file = SSHPinnedKeys("# rack a\nz ssh-ed25519 AAA\n\nb,c ssh-ed25519 BBB\n", isSorted: true)
        file.add(key("CCC"), host: "m", port: 22)
        file.add(key("CCC"), host: "m", port: 22)
        file.add(key("DDD"), host: "a", port: 2222)
        let text = "# rack a\n[a]:2222 ssh-ed25519 DDD\nb,c ssh-ed25519 BBB\nm ssh-ed25519 CCC\nz ssh-ed25519 AAA\n"
        #expect(file.text == text)
        #expect(SSHPinnedKeys(text, isSorted: true).text == text)
    }

    @Test func aKeyIsReplacedForItsHostAlone() {
        var file = SSHPinnedKeys(
            "b,c ssh-ed25519 BBB\nb ecdsa-sha2-nistp256 EEE\n|1|x|y ssh-ed25519 Z\n", isSorted: true)
        file.add(key("NEW"), host: "b", port: 22, replacing: true)
        #expect(file.text == "b ssh-ed25519 NEW\nc ssh-ed25519 BBB\n|1|x|y ssh-ed25519 Z\n")
    }

    @Test func theUsersOwnOnlyGrows() {
        var file = SSHPinnedKeys("z k A\n# note\nb k B\n", isSorted: false)
        file.add(key("C"), host: "a", port: 22)
        #expect(file.text == "z k A\n# note\nb k B\na ssh-ed25519 C\n")
    }
}
