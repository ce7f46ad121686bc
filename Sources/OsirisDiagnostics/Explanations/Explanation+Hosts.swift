extension Explanation {
    /// Hosts reached over SSH.
    static let hosts: [DiagnosticCode: Explanation] = [
        .hostUnreachable: Explanation(
            "a host is not reached",
            cause: "it is down; a firewall; a misspelt name",
            fix: "see the message",
            example: "osiris hosts probe       # while a host is down"),
        .hostKeyUnknown: Explanation(
            "a host's key is not known; nothing was sent",
            cause: "a new host",
            fix: "[`osiris hosts trust`](hosts.md#trust)",
            example: "hosts: [new-host.dc1]    # in no known_hosts"),
        .hostKeyChanged: Explanation(
            "a host's key is not the known one; nothing was sent",
            cause: "it was installed anew; somebody in between",
            fix: "find out which; `osiris hosts trust --replace`",
            example: "osiris plan              # after a host was installed anew"),
        .hostLoginRefused: Explanation(
            "no login worked",
            cause: "key not in `authorized_keys`; an RSA key; a wrong passphrase",
            fix: "the message says what was tried",
            example: "user: ops                # whose authorized_keys lacks your key"),
        .hostRights: Explanation(
            "no rights of root on a host",
            cause: "no sudo; a wrong or missing password; `requiretty`",
            fix: "[a sudoers file that is enough](ssh.md#rights-of-root)",
            example: "user: ops                # who is in no sudoers file"),
        .hostUnsupported: Explanation(
            "a host cannot run the hub's image",
            cause: "another processor",
            fix: "another image, or a target of its own",
            example: "hosts: [arm-box.dc1]     # and an image for x86-64"),
        .hostPortTaken: Explanation(
            "the hub's port is taken on a host",
            cause: "another program listens there",
            fix: "stop it, or set `hubPort`",
            example: "hubPort: 80              # where nginx listens already"),
        .hostTooSmall: Explanation(
            "a host has too little disk or memory",
            cause: "old images, logs",
            fix: "make room; `folder` on a larger disk",
            example: "osiris apply             # a host with 50 MB left on /var"),
        .hostClock: Explanation(
            "a host's clock is more than a minute off",
            cause: "no NTP",
            fix: "chrony or systemd-timesyncd",
            example: "osiris apply             # a host whose clock is ten minutes behind"),
        .hostOtherCluster: Explanation(
            "a host belongs to another cluster, or to another resource of this one",
            cause: "it stands in two manifests; it was renamed",
            fix: "take it out of one, and apply that one",
            example: "hosts: [n1.dc1]          # in the manifests of two clusters"),
        .hostNoEngine: Explanation(
            "a host has no engine, and osiris cannot or must not install one",
            cause: "a system without apt, dnf or zypper",
            fix: "install podman by hand",
            example: "engine: {install: false}   # and a host without podman and docker"),
        .hostCommand: Explanation(
            "a command on a host did not come to its end, or the host answers something else than asked",
            cause: "the connection was lost; a login shell that writes by itself",
            fix: "see the message; try again",
            example: "osiris apply             # the cable was pulled"),
        .hostTwice: Explanation(
            "two hosts of the manifest are one machine",
            cause: "two names; a clone with the same `/etc/machine-id`",
            fix: "name it once; give the clone an id of its own",
            example: "hosts: [n1.dc1, n1-alias.dc1]   # one machine"),
        .hostForgotten: Explanation(
            "a host was forgotten (warning)",
            cause: "`--forget-hosts` named it",
            fix: "if it comes back, stop its hub, or put it into the manifest again",
            example: "osiris apply --forget-hosts n7"),
        .hostCordoned: Explanation(
            "a host is left alone (warning)",
            cause: "somebody has cordoned or drained it",
            fix: "[`osiris hosts uncordon`](hosts.md#cordon-drain-uncordon) when they are done",
            example: "osiris apply             # while a host is cordoned"),
        .hostFirewall: Explanation(
            "a host's firewall does not let the hub's port in (warning)",
            cause: "ufw or firewalld is on; osiris itself goes through sshd and changes no firewall",
            fix: "open the port there, if others are to call functions",
            example: "hubPort: 8080            # and ufw lets in 22 alone"),
    ]
}
