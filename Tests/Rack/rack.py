#!/usr/bin/env python3
"""A rack of real hosts on one machine: Debian with systemd and sshd, each in a container of its own.

    rack.py up --hosts 4 --folder DIR      boot hosts r1-n01 ... r1-n04, write DIR/rack.json
    rack.py cut|boot|reboot NAME --folder DIR   take a host's power, give it back, restart it in order
    rack.py down --folder DIR              end all and remove what was made

A host is a folder: an overlay over one Debian tree, which is made once for each list of packages and kept in --cache. It
boots systemd as process 1, runs sshd, takes containers of its own, and reboots. Hosts reach each other and this machine
over a bridge with addresses of 198.18.0.0/15 (RFC 2544), which leads nowhere else.

Needs root, and: apt-get install mmdebstrap systemd-container iproute2 openssh-client
"""
import argparse
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

PACKAGES = ["systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "iproute2", "ca-certificates"]
# Podman in a host: https://docs.podman.io/en/latest/ ; a container in a container may not set keyrings and ulimits.
CONTAINERS = """\
[containers]
keyring = false
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
BOOT = """\
[Unit]
Description=Address and control groups of this test host
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mount -o remount,rw,bind "$d" 2>/dev/null; done; true'
ExecStart=/bin/sh -c 'ip address add {address}/24 dev host0 && ip link set host0 up && ip route add default via {gateway}'
[Install]
WantedBy=sysinit.target
"""


def run(*words, **options):
    return subprocess.run(words, check=True, text=True, **options)


def fail(text):
    sys.exit(f"rack.py: {text}")


def tree(cache, packages):
    """The archive of a Debian tree with these packages; made if it is not there."""
    name = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
    archive = os.path.join(cache, f"tree-{name}.tar")
    if not os.path.exists(archive):
        print(f"making {archive}; it takes half a minute", file=sys.stderr)
        os.makedirs(cache, exist_ok=True)
        beside = f"{archive}.{os.getpid()}"
        run("mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(packages),
            "--customize-hook=rm -f \"$1\"/etc/ssh/ssh_host_* \"$1\"/etc/machine-id \"$1\"/etc/hostname",
            "--customize-hook=chroot \"$1\" useradd -m -s /bin/bash ops", "--format=tar", "bookworm", beside)
        os.rename(beside, archive)
    return archive


class Rack:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.file = os.path.join(self.folder, "rack.json")

    def load(self):
        try:
            with open(self.file) as file:
                self.data = json.load(file)
        except FileNotFoundError:
            fail(f"{self.file} is not there; is a rack up in this folder?")

    def save(self):
        with open(self.file + ".new", "w") as file:
            json.dump(self.data, file, indent=2)
        os.rename(self.file + ".new", self.file)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    # Making hosts

    def up(self, count, cache, packages):
        if os.path.exists(self.file):
            fail(f"there is a rack in {self.folder} already")
        os.makedirs(self.folder, exist_ok=True)
        net = self.bridge()
        self.data = {"bridge": net["bridge"], "gateway": net["prefix"] + ".1", "hosts": []}
        self.save()
        os.makedirs(self.path("base"))
        run("tar", "-xf", tree(cache, packages), "-C", self.path("base"))
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rack", "-f", self.path("id_ed25519"))
        self.data |= {"user": "ops", "identity": self.path("id_ed25519"), "knownHosts": self.path("known_hosts")}
        for number in range(1, count + 1):
            host = {"name": f"r1-n{number:02}", "address": f"{net['prefix']}.{number + 10}"}
            self.data["hosts"].append(host)
            self.save()
            self.make(host)
        for host in self.data["hosts"]:
            self.boot(host, wait=False)
        for host in self.data["hosts"]:
            self.await_sshd(host)
        print(self.file)

    def bridge(self):
        """A bridge with the first free network."""
        taken = run("ip", "-o", "address", stdout=subprocess.PIPE).stdout
        for third in range(0, 256):
            prefix = f"198.18.{third}"
            if f" {prefix}." in taken:
                continue
            name = f"rack{third}"
            run("ip", "link", "add", name, "type", "bridge")
            run("ip", "address", "add", f"{prefix}.1/24", "dev", name)
            run("ip", "link", "set", name, "up")
            return {"bridge": name, "prefix": prefix}
        fail("every network of 198.18.0.0/16 is taken; `rack.py down` removes those of old racks")

    def make(self, host):
        name = host["name"]
        for part in ("upper", "work", "root", "containers"):
            os.makedirs(self.path(name, part))
        self.mount(host)
        root = self.path(name, "root")

        def write(path, text, mode=0o644):
            path = root + path
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
            os.chmod(path, mode)

        write("/etc/hostname", name + "\n")
        write("/etc/hosts", f"127.0.0.1 localhost\n{host['address']} {name}\n")
        write("/etc/containers/containers.conf", CONTAINERS)
        write("/etc/sudoers.d/ops", "ops ALL=(ALL) NOPASSWD: ALL\n", 0o440)
        write("/etc/systemd/system/rack.service",
              BOOT.format(address=host["address"], gateway=self.data["gateway"]))
        os.makedirs(root + "/etc/systemd/system/sysinit.target.wants", exist_ok=True)
        os.symlink("/etc/systemd/system/rack.service", root + "/etc/systemd/system/sysinit.target.wants/rack.service")
        with open(self.data["identity"] + ".pub") as file:
            public = file.read()
        for home in ("/root", "/home/ops"):
            write(home + "/.ssh/authorized_keys", public, 0o600)
            os.chmod(root + home + "/.ssh", 0o700)
        run("chroot", root, "chown", "-R", "ops:ops", "/home/ops/.ssh")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", root + "/etc/ssh/ssh_host_ed25519_key")
        with open(root + "/etc/ssh/ssh_host_ed25519_key.pub") as file:
            key = " ".join(file.read().split()[:2])
        with open(self.data["knownHosts"], "a") as file:
            file.write(f"{host['address']},{name} {key}\n")

    def mount(self, host):
        root = self.path(host["name"], "root")
        if os.path.ismount(root):
            return
        parts = [f"lowerdir={self.path('base')}"]
        parts += [f"{kind}dir={self.path(host['name'], kind)}" for kind in ("upper", "work")]
        run("mount", "-t", "overlay", "overlay", "-o", ",".join(parts), root)

    # Power

    def boot(self, host, wait=True):
        self.mount(host)
        name = host["name"]
        with open(self.path(name, "console"), "a") as console:
            # Of its own session: the host stays up when the terminal goes.
            # A container that reboots ends with this status.
            again = 'while :; do systemd-nspawn "$@"; [ $? = 133 ] || exit; done'
            process = subprocess.Popen(
                ["sh", "-c", again, "sh", "-D", self.path(name, "root"), "--boot", "--machine", f"{self.data['bridge']}-{name}",
                 "--hostname", name, "--register=no", "--keep-unit", f"--network-bridge={self.data['bridge']}",
                 "--capability=all", f"--bind={self.path(name, 'containers')}:/var/lib/containers"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        host["pid"] = process.pid
        self.save()
        if wait:
            self.await_sshd(host)

    def await_sshd(self, host):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                with socket.create_connection((host["address"], 22), timeout=2) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            if not alive(host["pid"]):
                break
            time.sleep(0.2)
        with open(self.path(host["name"], "console")) as console:
            fail(f"{host['name']} does not answer. The end of its console:\n" + "".join(console.readlines()[-15:]))

    def cut(self, host):
        """Takes the power: nothing on the host gets to know."""
        pid = host.get("pid")
        if not pid or not alive(pid):
            return
        for process in [pid] + members(pid):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while alive(pid):
            time.sleep(0.05)

    def reboot(self, host):
        run("ssh", "-q", "-i", self.data["identity"], "-o", f"UserKnownHostsFile={self.data['knownHosts']}",
            f"root@{host['address']}", "systemctl reboot || true")
        # The container ends its system and starts it anew.
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection((host["address"], 22), timeout=1).close()
            except OSError:
                break
            time.sleep(0.05)
        self.await_sshd(host)

    def host(self, name):
        for host in self.data["hosts"]:
            if host["name"] == name:
                return host
        fail(f"there is no host {name}")

    def down(self):
        for host in self.data["hosts"]:
            self.cut(host)
            root = self.path(host["name"], "root")
            while os.path.ismount(root):
                run("umount", "--lazy", root)
        subprocess.run(["ip", "link", "delete", self.data["bridge"]], check=False)
        shutil.rmtree(self.folder)


def alive(pid):
    """True for a process that is not a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def members(pid):
    """The processes below one, the deepest last."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="boot a rack")
    up.add_argument("--hosts", type=int, default=4, metavar="N")
    up.add_argument("--cache", default=os.path.expanduser("~/.cache/osiris-rack"), metavar="DIR")
    up.add_argument("--with", dest="more", action="append", default=[], metavar="PACKAGE", help="also installed")
    for name, text in (("cut", "take a host's power"), ("boot", "give it back"), ("reboot", "restart it in order")):
        commands.add_parser(name, help=text).add_argument("name")
    commands.add_parser("down", help="end all and remove what was made")
    for command in commands.choices.values():
        command.add_argument("--folder", required=True, metavar="DIR")
    words = parser.parse_args()
    if os.geteuid() != 0:
        fail("booting hosts needs root")
    rack = Rack(words.folder)
    if words.command == "up":
        return rack.up(words.hosts, words.cache, PACKAGES + words.more)
    rack.load()
    if words.command == "down":
        rack.down()
    else:
        getattr(rack, words.command)(rack.host(words.name))


main()
