#!/usr/bin/env python3
"""A rack of real hosts on one machine: Debian with systemd and sshd, each in a container of its own.

docs/rack.md tells what there is. Needs root, and:
apt-get install mmdebstrap systemd-container iproute2 openssh-client openssl
"""
import argparse
import fcntl
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile

import hosts
import network
import power
from trees import layer, run, trees

CACHE = os.environ.get("OSIRIS_RACK_CACHE") or os.path.expanduser("~/.cache/osiris-rack")


class Rack:
    """A folder with a rack in it; `data` is its rack.json."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.file = os.path.join(self.folder, "rack.json")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def load(self):
        with open(self.file) as file:
            self.data = json.load(file)

    def save(self):
        with open(self.file + ".new", "w") as file:
            json.dump(self.data, file, indent=2)
        os.rename(self.file + ".new", self.file)

    def host(self, name):
        for host in self.data["hosts"]:
            if host["name"] == name:
                return host
        raise ValueError(f"there is no host {name}; there are {', '.join(host['name'] for host in self.data['hosts'])}")

    def up(self, count, asked, cache, more=(), rtt=0, until=None):
        """Boots hosts r1-n01 ...; `asked` has the traits of each name, and of `*`, which stands for those.

        With `until`, the rack goes when that process has ended, also if this one is killed on its way.
        """
        if os.path.exists(self.file):
            raise ValueError(f"there is a rack in {self.folder} already")
        names = [f"r1-n{number:02}" for number in range(1, count + 1)]
        names += [name for name in asked if name != "*" and name not in names]
        traits = {name: asked.get(name, asked.get("*", []) if name.startswith("r1-n") else []) for name in names}
        for name in names:
            hosts.check(name, traits[name])
        folder = trees(cache, more)
        for engine in {engine for list in traits.values() for engine in list} & {"podman", "docker", "cloud"}:
            layer(folder, engine)
        os.makedirs(self.folder, exist_ok=True)
        lock = os.open(self.folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if until:
            self.watch(until)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("rack.py: terminated"))
        # Two racks that come up at once would take the same network.
        networks = os.open("/run", os.O_RDONLY)
        fcntl.flock(networks, fcntl.LOCK_EX)
        number = network.free()
        # Noted before it is made, so that `down` finds it whatever happens.
        self.data = {
            "bridge": f"rack{number}", "network": number, "gateway": f"198.18.{number}.1", "user": "ops",
            "identity": self.path("id_ed25519"), "knownHosts": self.path("known_hosts"),
            "password": secrets.token_urlsafe(9), "trees": folder, "hosts": [],
        }
        self.save()
        watches(len(names))
        try:
            network.make(self)
            os.close(networks)
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rack", "-f", self.data["identity"])
            for index, name in enumerate(names, 1):
                self.add(name, index, traits[name])
            hosts.known(self)
            # A machine of a cloud starts when somebody launches it.
            present = [host for host in self.data["hosts"] if not hosts.has(host, "cloud")]
            for host in present:
                power.boot(self, host, wait=False)
            for host in present:
                power.await_sshd(self, host)
            if rtt:
                network.line(self, rtt)
        except BaseException:
            self.down()
            raise
        finally:
            os.close(lock)

    def watch(self, pid):
        """Takes the rack down when a process ends, however that ends, and `up` is not at work on it."""
        subprocess.Popen([sys.executable, os.path.abspath(__file__), "watch", "--folder", self.folder, str(pid)],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def await_end(self, pid):
        try:
            select.select([os.pidfd_open(pid)], [], [])
        except ProcessLookupError:
            pass
        try:
            lock = os.open(self.folder, os.O_RDONLY)
        except FileNotFoundError:
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.close(lock)

    def add(self, name, number, traits):
        network = self.data["network"]
        inner = f"198.19.{network}.{number + 10}"
        address = inner if "inner" in traits else f"198.18.{network}.{number + 10}"
        host = {"name": name, "number": number, "address": address, "traits": traits}
        if "bastion" in traits:
            host["innerAddress"] = inner
        self.data["hosts"].append(host)
        self.save()
        hosts.make(self, host)
        self.save()

    def down(self):
        """Ends all and removes what was made; as often as one likes, and after a crash."""
        try:
            self.load()
        except FileNotFoundError:
            self.data = None
        power.kill(power.leftovers(self.folder))
        if not self.data:
            return
        for host in self.data["hosts"]:
            hosts.unmount(self, host)
            power.forget(self, host)
        network.remove(self)
        # Last, for it may take minutes.
        shutil.rmtree(self.folder, ignore_errors=True)

    # One host

    def cut(self, host):
        power.cut(self, host)

    def boot(self, host):
        power.boot(self, host)

    def launch(self, host, index):
        """Boots a host of a cloud for the first time, with standard input as its user data (NoCloud of cloud-init), as the
        machine with this launch index."""
        seed = hosts.assemble(self, host) + "/var/lib/cloud/seed/nocloud"
        os.makedirs(seed)
        with open(seed + "/meta-data", "w") as file:
            file.write(f"instance-id: {host['name']}\nami-launch-index: {index}\n")
        with open(seed + "/user-data", "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        power.boot(self, host, wait=False)

    def reboot(self, host):
        power.reboot(self, host)

    def unplug(self, host):
        power.unplug(self, host)

    def plug(self, host):
        power.unplug(self, host, "up")

    def kill_sshd(self, host):
        """Kills all of sshd; the host's systemd starts the listening one again."""
        power.inside(host, ["pkill", "-KILL", "-x", "sshd"], check=True)

    def swap_key(self, host):
        """Gives the host another key, which nobody knows."""
        hosts.key(self, host)
        self.save()
        power.inside(host, ["systemctl", "restart", "ssh"], check=True)

    def fill(self, host):
        """Takes all that is left of /var/lib; `free` gives it back."""
        if not hosts.disk(host):
            raise ValueError(f"{host['name']} shares this machine's disk; boot it with --host {host['name']}:disk=512M")
        size = os.statvfs(self.path(host["name"], "disk"))
        with open(self.path(host["name"], "disk", "filler"), "w") as file:
            os.posix_fallocate(file.fileno(), 0, max(size.f_bavail * size.f_frsize, 1))

    def free(self, host):
        os.remove(self.path(host["name"], "disk", "filler"))


def watches(count):
    """Raises the number of inotify instances that root may have, which all hosts share; a host's services need a dozen."""
    path = "/proc/sys/fs/inotify/max_user_instances"
    with open(path) as file:
        now = int(file.read())
    if now < 128 + 16 * count:
        print(f"raising fs.inotify.max_user_instances from {now} to {128 + 16 * count}", file=sys.stderr)
        with open(path, "w") as file:
            file.write(str(128 + 16 * count))


def can_boot(cache):
    """Boots a host, runs a container on it, and removes it.

    Raises what stands against it.
    """
    with tempfile.TemporaryDirectory(prefix="osiris-can-boot-") as folder:
        rack = Rack(os.path.join(folder, "rack"))
        rack.up(1, {"r1-n01": ["podman"]}, cache, until=os.getpid())
        try:
            # Its own tree is image enough. By the host's systemd, which runs the hubs too.
            script = "mount --bind / /mnt && podman run --rm --network=host --rootfs /mnt true"
            words = ["systemd-run", "--quiet", "--wait", "--pipe", "sh", "-c", script]
            made = power.inside(rack.host("r1-n01"), words, capture_output=True, text=True)
            if made.returncode:
                raise RuntimeError("a host boots, but runs no container: " + made.stderr.strip().splitlines()[-1])
        finally:
            rack.down()


def milliseconds(text):
    """Microseconds of "20ms"."""
    if not text.endswith("ms") and text != "0":
        raise argparse.ArgumentTypeError("a time is a number of milliseconds, like 20ms")
    return int(float(text.removesuffix("ms")) * 1000)


def named(text):
    name, _, traits = text.partition(":")
    return name, [trait for trait in traits.split(",") if trait]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="boot a rack")
    up.add_argument("--hosts", type=int, default=4, metavar="N", help="r1-n01 ... ; default 4, up to 200")
    up.add_argument("--host", type=named, action="append", default=[], metavar="NAME[:TRAIT,...]",
                    help=f"what this one is, or '*' for all; a new name is one host more. {', '.join(hosts.TRAITS)}")
    up.add_argument("--rtt", type=milliseconds, default=0, metavar="20ms", help="round-trip time")
    up.add_argument("--until", type=int, metavar="PID", help="take the rack down when this process has ended")
    up.add_argument("--with", dest="more", action="append", default=[], metavar="PACKAGE", help="installed on all")
    up.add_argument("--cache", default=CACHE, metavar="DIR", help="where the trees are kept (OSIRIS_RACK_CACHE)")
    texts = {
        "cut": "take a host's power", "boot": "give it back", "reboot": "restart it in order",
        "unplug": "take its network", "plug": "give it back", "kill-sshd": "kill every sshd of it",
        "swap-key": "give it another host key", "fill": "fill its /var/lib", "free": "empty it again",
    }
    for name, text in texts.items():
        commands.add_parser(name, help=text).add_argument("name", metavar="NAME")
    launch = commands.add_parser("launch", help="boot a `cloud` host for the first time, user data on standard input")
    launch.add_argument("name", metavar="NAME")
    launch.add_argument("--index", type=int, default=0, metavar="N", help="which machine of its call it is, from 0")
    execute = commands.add_parser("exec", help="run a command as root on a host, without SSH")
    execute.add_argument("name", metavar="NAME")
    execute.add_argument("words", nargs="+", metavar="WORD")
    boot = commands.add_parser("can-boot", help="say whether this machine can have a rack")
    boot.add_argument("--cache", default=CACHE, metavar="DIR", help="as of up")
    commands.add_parser("rtt", help="change the round-trip time").add_argument("rtt", type=milliseconds, metavar="20ms")
    commands.add_parser("watch").add_argument("pid", type=int)
    commands.add_parser("down", help="end all and remove what was made")
    for command in commands.choices.values():
        if command is boot:
            continue
        command.add_argument("--folder", required=True, metavar="DIR", help="the rack's folder, with rack.json in it")
    words = parser.parse_args()
    if os.geteuid() != 0:
        raise ValueError("booting hosts needs root")
    if words.command == "can-boot":
        return can_boot(words.cache)
    rack = Rack(words.folder)
    if words.command == "up":
        rack.up(words.hosts, dict(words.host), words.cache, words.more, words.rtt, words.until)
        return print(rack.file)
    if words.command == "watch":
        rack.await_end(words.pid)
    if words.command in ("watch", "down"):
        return rack.down()
    try:
        rack.load()
    except FileNotFoundError:
        raise ValueError(f"{rack.file} is not there; is a rack up in this folder?")
    if words.command == "launch":
        rack.launch(rack.host(words.name), words.index)
    elif words.command == "rtt":
        network.line(rack, words.rtt)
    elif words.command == "exec":
        sys.exit(power.inside(rack.host(words.name), words.words).returncode)
    else:
        getattr(rack, words.command.replace("-", "_"))(rack.host(words.name))


if __name__ == "__main__":
    try:
        main()
    except (ValueError, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"rack.py: {error}")
