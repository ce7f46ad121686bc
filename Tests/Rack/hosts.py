"""What one host is made of: its tree, its accounts, its keys, its network. See docs/rack.md for the traits."""
import os
import secrets
import subprocess

from trees import layer, mount, run

# nspawn mounts what is below /sys/fs/cgroup for reading only; engines make control groups of their own there.
GROUPS = """\
[Unit]
Description=Control groups of this test host can be written
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mount -o remount,rw,bind "$d" 2>/dev/null; done; true'
[Install]
WantedBy=sysinit.target
"""
# What makes a host a machine of a cloud: cloud-init takes its user data from a folder, and nothing else from anywhere.
CLOUD = """\
datasource_list: [NoCloud]
network: {config: disabled}
apt: {preserve_sources_list: true}
preserve_hostname: true
locale: false
users: []
ssh_genkeytypes: [ed25519]
"""
REGISTRY = """\
[[registry]]
location = "%s:5000"
insecure = true
"""
TRAITS = ("podman", "docker", "cloud", "sudo-password", "doas", "no-sudo", "password", "no-packages", "bastion", "inner", "disk=SIZE")
# Folders that an engine lays its own overlays in, which cannot be on an overlay.
STORAGE = {"containers": "/var/lib/containers", "docker": "/var/lib/docker"}


def has(host, trait):
    return trait in host["traits"]


def disk(host):
    """The size of the file system that holds /var/lib, or nothing."""
    return next((trait.split("=", 1)[1] for trait in host["traits"] if trait.startswith("disk=")), None)


def check(name, traits):
    for trait in traits:
        if trait not in TRAITS and not (trait.startswith("disk=") and len(trait) > 5):
            raise ValueError(f"{name} cannot be {trait}; a host can be: {', '.join(TRAITS)}")
    for pair in (("doas", "no-sudo"), ("doas", "sudo-password"), ("no-sudo", "sudo-password"), ("bastion", "inner"), ("cloud", "podman"), ("cloud", "docker")):
        if set(pair) <= set(traits):
            raise ValueError(f"{name} cannot be both {pair[0]} and {pair[1]}")


def assemble(rack, host):
    """Mounts the host's tree; nothing to do when it is there already."""
    folder = rack.path(host["name"])
    root = folder + "/root"
    if os.path.ismount(root):
        return root
    lower = [layer(rack.data["trees"], engine) for engine in ("docker", "podman", "cloud") if has(host, engine)]
    mount(root, lower + [rack.data["trees"] + "/base"], folder + "/upper", folder + "/work")
    if disk(host):
        if not os.path.ismount(folder + "/disk"):
            run("mount", "-t", "tmpfs", "-o", f"size={disk(host)},mode=755", "tmpfs", folder + "/disk")
            run("cp", "-a", root + "/var/lib/.", folder + "/disk")
        run("mount", "--bind", folder + "/disk", root + "/var/lib")
    return root


def make(rack, host):
    folder = rack.path(host["name"])
    for part in ("upper", "work", "root", "disk", *STORAGE):
        os.makedirs(f"{folder}/{part}")
    root = assemble(rack, host)

    def write(path, text, mode=0o644, owner=0):
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        with open(root + path, "w") as file:
            file.write(text)
        os.chmod(root + path, mode)
        os.chown(root + path, owner, owner)

    write("/etc/hostname", host["name"] + "\n")
    # A host without one takes this for its first boot and turns on every service it has.
    write("/etc/machine-id", secrets.token_hex(16) + "\n", 0o444)
    write("/etc/hosts", f"127.0.0.1 localhost\n{host['address']} {host['name']}\n")
    write("/etc/systemd/system/rack.service", GROUPS)
    os.makedirs(root + "/etc/systemd/system/sysinit.target.wants", exist_ok=True)
    os.symlink("/etc/systemd/system/rack.service", root + "/etc/systemd/system/sysinit.target.wants/rack.service")
    # So that the journal tells a login from a session in which something was started.
    write("/etc/ssh/sshd_config.d/rack.conf", "LogLevel VERBOSE\n")
    if has(host, "cloud"):
        write("/etc/cloud/cloud.cfg.d/99-rack.cfg", CLOUD)
        write("/etc/containers/registries.conf.d/rack.conf", REGISTRY % rack.data["gateway"])
    rights(host, root, write)
    with open(rack.data["identity"] + ".pub") as file:
        public = file.read()
    for home, owner in (("/root", 0), ("/home/ops", 1000)):
        if owner and has(host, "password"):
            continue
        write(home + "/.ssh/authorized_keys", public, 0o600, owner)
        os.chmod(root + home + "/.ssh", 0o700)
        os.chown(root + home + "/.ssh", owner, owner)
    if has(host, "password") or has(host, "sudo-password"):
        host["password"] = rack.data["password"]
        hashed = run("openssl", "passwd", "-6", "-stdin", input=host["password"], stdout=subprocess.PIPE).stdout.strip()
        with open(root + "/etc/shadow") as file:
            lines = [f"ops:{hashed}:{line.split(':', 2)[2]}" if line.startswith("ops:") else line for line in file]
        write("/etc/shadow", "".join(lines), 0o640)
    key(rack, host)


def rights(host, root, write):
    if has(host, "doas") or has(host, "no-sudo"):
        os.remove(root + "/usr/bin/sudo")
    if has(host, "doas"):
        write("/etc/doas.conf", "permit nopass ops as root\n", 0o400)
    else:
        os.remove(root + "/usr/bin/doas")
    if not has(host, "doas") and not has(host, "no-sudo"):
        tag = "" if has(host, "sudo-password") else "NOPASSWD: "
        write("/etc/sudoers.d/ops", f"ops ALL=(ALL) {tag}ALL\n", 0o440)


def key(rack, host):
    """Gives the host a new key of its own and notes it for clients, in place of the one it had."""
    root = rack.path(host["name"], "root")
    path = root + "/etc/ssh/ssh_host_ed25519_key"
    for old in (path, path + ".pub"):
        if os.path.exists(old):
            os.remove(old)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host["name"], "-f", path)
    with open(path + ".pub") as file:
        host["key"] = " ".join(file.read().split()[:2])


def known(rack):
    with open(rack.data["knownHosts"], "w") as file:
        for host in rack.data["hosts"]:
            file.write(f"{host['address']},{host['name']} {host['key']}\n")


def interfaces(rack, host):
    """(outer name, inner name, bridge, address) of each of the host's network cards."""
    number = host["number"]
    outer, inner = rack.data["bridge"], rack.data["bridge"] + "i"
    if has(host, "inner"):
        return [(f"{inner}{number}", "eth0", inner, host["address"])]
    cards = [(f"{outer}v{number}", "eth0", outer, host["address"])]
    if has(host, "bastion"):
        cards.append((f"{inner}{number}", "eth1", inner, host["innerAddress"]))
    return cards


def unmount(rack, host):
    """Unmounts what `assemble` mounted."""
    folder = rack.path(host["name"])
    if os.path.ismount(folder + "/root"):
        # A systemd-nspawn that was killed leaves its lock.
        root = os.stat(folder + "/root")
        lock = f"/run/systemd/nspawn/locks/inode-{root.st_dev}:{root.st_ino}"
        if os.path.exists(lock):
            os.remove(lock)
    with open("/proc/self/mounts") as file:
        mounted = [line.split()[1] for line in file]
    for path in reversed([path for path in mounted if path.startswith(folder + "/")]):
        subprocess.run(["umount", "--lazy", path], check=False)
