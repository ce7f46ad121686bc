"""What a command costs: its own time and memory, and what it makes the hosts and the network do."""
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Rack"))
import power  # noqa: E402


def used(groups):
    """Seconds of CPU that control groups have used, or nothing where none says."""
    for group in groups:
        try:
            with open(group + "/cpuacct.usage") as file:
                return int(file.read()) / 1e9
        except OSError:
            pass
        try:
            with open(group + "/cpu.stat") as file:
                return int(file.readline().split()[1]) / 1e6
        except OSError:
            pass
    return None


def connections(hosts):
    """How many TCP connections the hosts have taken since they booted."""
    count = 0
    for host in hosts:
        with open(f"/proc/{host['leader']}/net/snmp") as file:
            names, values = [line.split() for line in file if line.startswith("Tcp:")]
        count += int(dict(zip(names, values))["PassiveOpens"])
    return count


def traffic(interface):
    total = 0
    for way in ("rx_bytes", "tx_bytes"):
        with open(f"/sys/class/net/{interface}/statistics/{way}") as file:
            total += int(file.read())
    return total


class Group:
    """A control group for one turn, so that what a client leaves in the background is counted too."""

    def __init__(self, name):
        self.folders = power.groups(name)
        for folder in self.folders:
            os.makedirs(folder, exist_ok=True)

    def enter(self):
        for folder in self.folders:
            with open(folder + "/cgroup.procs", "w") as file:
                file.write(str(os.getpid()))

    def pids(self):
        with open(self.folders[0] + "/cgroup.procs") as file:
            return [int(line) for line in file]

    def end(self):
        for pid in self.pids():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        while self.pids():
            time.sleep(0.02)
        for folder in self.folders:
            os.rmdir(folder)


def memory(pids):
    """Bytes that these processes hold, what they share counted once (Pss, proc(5))."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
        except (OSError, StopIteration):
            pass
    return total


def turn(words, environment, rack, hosts):
    """Runs a command once; what it cost. Fails when the command does."""
    group = Group(f"bench-{os.getpid()}")
    interface = rack["bridge"] + "c"
    before = [used(host["groups"]) for host in hosts], connections(hosts), traffic(interface)
    peak, done = [0], threading.Event()

    def sample():
        pause = 0.02
        while not done.wait(pause):
            start = time.perf_counter()
            peak[0] = max(peak[0], memory(group.pids()))
            # A look costs time of the same processors: at most a twentieth of it.
            pause = max(0.02, 20 * (time.perf_counter() - start))

    sampler = threading.Thread(target=sample)
    start = time.perf_counter()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=os.environ | environment, preexec_fn=group.enter)
    sampler.start()
    try:
        output = process.stdout.read()
        status = process.wait()
        wall = time.perf_counter() - start
    finally:
        done.set()
        sampler.join()
    result = {"wall": wall, "client": used(group.folders), "memory": peak[0],
              "connections": connections(hosts) - before[1], "bytes": traffic(interface) - before[2]}
    after = [used(host["groups"]) for host in hosts]
    result["host"] = None if None in after else sum(after) - sum(before[0])
    if status:
        raise RuntimeError(f"{words[0]} failed with {status}:\n{output.decode()[-2000:]}")
    return result, group
