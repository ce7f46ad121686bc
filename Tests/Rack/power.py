"""Power for hosts: each is a systemd-nspawn that a small shell script starts, and starts again when the host reboots."""
import os
import shlex
import signal
import socket
import subprocess
import time

import hosts
from trees import REPOSITORY, run

SCRIPT = """\
#!/bin/sh
# Runs test host {name}. Engines need the calls for keyrings. A host that reboots ends with status 133 and starts anew, with a network that knows nothing.
groups={groups}
for group in $groups; do mkdir -p "$group" && echo $$ >"$group/cgroup.procs"; done
while :; do
    unshare --net sleep infinity & net=$!
    while [ "$(readlink /proc/$net/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.02; done
{network}
    systemd-nspawn -D {root} --boot --machine {machine} --hostname {name} --register=no {keep} \\
        --network-namespace-path=/proc/$net/ns/net --capability=all --system-call-filter="@keyring" {binds}
    status=$?
    kill $net; wait $net
    [ $status = 133 ] || exit $status
done
"""
CARD = """\
    ip link delete {outer} 2>/dev/null
    ip link add {outer} type veth peer name {inner} address {mac} netns $net
    ip link set {outer} master {bridge} up
    nsenter -t $net -n ip address add {address}/24 dev {inner}
    nsenter -t $net -n ip link set {inner} up
"""


def script(rack, host):
    """A host has a control group of its own: otherwise all would be in one, and see each other's units as theirs."""
    machine = f"{rack.data['bridge']}-{host['name']}"
    # This machine's systemd gives a container its group; where there is none, the groups are made by hand.
    ours = not os.path.isdir("/run/systemd/system")
    host["groups"] = groups(machine) if ours else []
    network = "    nsenter -t $net -n ip link set lo up\n"
    for outer, inner, bridge, address in hosts.interfaces(rack, host):
        kind = 1 if inner == "eth1" or hosts.has(host, "inner") else 0
        mac = f"02:12:{kind:02x}:{rack.data['network']:02x}:00:{host['number']:02x}"
        network += CARD.format(outer=outer, inner=inner, bridge=bridge, address=address, mac=mac)
    if not hosts.has(host, "inner"):
        network += f"    nsenter -t $net -n ip route add default via {rack.data['gateway']}\n"
    binds = []
    if not hosts.disk(host):
        binds += [f"--bind={rack.path(host['name'], part)}:{path}" for part, path in hosts.STORAGE.items()]
    if not hosts.has(host, "no-packages"):
        binds.append(f"--bind-ro={rack.data['trees']}/packages:{REPOSITORY}")
    text = SCRIPT.format(
        name=host["name"], machine=machine, groups=shlex.quote(" ".join(host["groups"])),
        network=network.rstrip("\n"), root=shlex.quote(rack.path(host["name"], "root")),
        keep="--keep-unit" if ours else "", binds=shlex.join(binds))
    path = rack.path(host["name"], "power")
    with open(path, "w") as file:
        file.write(text)
    return path


def groups(name):
    """A folder for a new control group in each hierarchy, below the group of this process."""
    found = []
    with open("/proc/self/cgroup") as file:
        for line in file:
            _, kinds, path = line.rstrip("\n").split(":", 2)
            if kinds == "cpuset":
                continue  # A new group of this kind takes no process before it is given processors.
            mount = kinds.removeprefix("name=") or ("unified" if os.path.isdir("/sys/fs/cgroup/unified") else "")
            folder = os.path.normpath(f"/sys/fs/cgroup/{mount}/{path}")
            if os.path.isdir(folder):
                found.append(f"{folder}/{name}")
    return found


def boot(rack, host, wait=True):
    if alive(host.get("pid")):
        return
    hosts.assemble(rack, host)
    with open(rack.path(host["name"], "console"), "a") as console:
        # Of its own session: the host stays up when the terminal goes.
        process = subprocess.Popen(
            ["sh", script(rack, host)], stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
    host["pid"] = process.pid
    rack.save()
    if wait:
        await_sshd(rack, host)


def leader(host):
    """The host's process 1, as this machine numbers it."""
    for pid in members(host.get("pid")):
        try:
            with open(f"/proc/{pid}/status") as file:
                line = next(line for line in file if line.startswith("NSpid:"))
            if line.split()[2:] == ["1"]:
                return pid
        except (OSError, StopIteration):
            pass
    return None


def await_sshd(rack, host, before=None):
    """Waits until sshd answers, in a boot whose process 1 is not `before`."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        pid = leader(host)
        if pid and pid != before and greets(host, pid):
            return
        if not alive(host["pid"]):
            break
        time.sleep(0.2)
    with open(rack.path(host["name"], "console")) as console:
        raise RuntimeError(f"{host['name']} does not answer. The end of its console:\n" + "".join(console.readlines()[-15:]))


def greets(host, pid):
    if hosts.has(host, "inner"):  # This machine does not reach it: ask from inside.
        words = ["nsenter", "-t", str(pid), "-n", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22 && head -c 4 <&3"]
        return subprocess.run(words, capture_output=True, timeout=10).stdout == b"SSH-"
    try:
        with socket.create_connection((host["address"], 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def cut(rack, host):
    """Takes the power: nothing on the host gets to know, and nobody hears of it."""
    if alive(host.get("pid")):
        unplug(rack, host)
        kill([host["pid"]])
    host["pid"] = None
    rack.save()


def unplug(rack, host, state="down"):
    for outer, *_ in hosts.interfaces(rack, host):
        subprocess.run(["ip", "link", "set", outer, state], check=False, stderr=subprocess.DEVNULL)


def reboot(rack, host):
    before = leader(host)
    inside(host, ["systemctl", "reboot"])
    await_sshd(rack, host, before)


def inside(host, words, **options):
    """Runs a command as root on the host, without SSH. PATH is the host's own."""
    pid = leader(host)
    if not pid:
        raise RuntimeError(f"{host['name']} has no power")
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
    # The host's control group, so that what stays behind ends with it.
    return subprocess.run(
        ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "env", "-i", path, *words], **options)


def kill(pids):
    """Ends processes and all below them, and waits until they are gone."""
    for pid in pids:
        # The script first: it would start the host again.
        for process in [pid] + members(pid):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
    while any(alive(pid) for pid in pids):
        time.sleep(0.02)


def leftovers(folder):
    """Processes that run something for the rack in this folder, whatever its notes say."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline") as file:
                words = file.read().split("\0")
        except OSError:
            continue
        if words[0] == "sh" and words[1].startswith(folder + "/") and words[1].endswith("/power"):
            found.insert(0, int(name))
        elif words[0] == "systemd-nspawn" and words[2].startswith(folder + "/") or words[0] == folder + "/delay":
            found.append(int(name))
    return found


def forget(rack, host):
    """Removes what systemd-nspawn and the script left outside of the rack's folder."""
    machine = f"{rack.data['bridge']}-{host['name']}"
    # A killed process leaves its group a moment later.
    deadline = time.monotonic() + 5
    for group in host.get("groups", []):
        while os.path.isdir(group) and time.monotonic() < deadline:
            for folder, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    time.sleep(0.01)
    for path in (f"/run/systemd/nspawn/propagate/{machine}", f"/run/systemd/nspawn/unix-export/{machine}"):
        if os.path.isdir(path):
            subprocess.run(["umount", "--quiet", path], check=False, stderr=subprocess.DEVNULL)
            try:
                os.rmdir(path)
            except OSError:
                pass
    for outer, *_ in hosts.interfaces(rack, host):
        subprocess.run(["ip", "link", "delete", outer], check=False, stderr=subprocess.DEVNULL)


def alive(pid):
    """True for a process that is not a zombie."""
    if not pid:
        return False
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
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
