"""How much a function that takes more than it may slows its neighbour down: `make bench-neighbour`.

    neighbour.py OSIRIS_HUB [PAIRS] [CALLS] [CASE …]        default: 5 pairs of 400 calls, all cases

Starts a hub on a folder of its own with a neighbour, whose call computes for some milliseconds, and one offender after the
other. A pair is the same number of calls of the neighbour, one after the other, alone and while the offender is called
again and again; turns alternate, so that what else runs on the machine falls on both. Each case has the median over its
pairs of the 99th percentiles and of their ratio, the offender's answers, and what of it was left afterwards.
"""

import base64
import collections
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

NEIGHBOUR = "def handle():\n    return sum(n * n for n in range(60000))\n"

# Code and limits. Each of them would go on for ever.
OFFENDERS = {
    "fork bomb": ("import os\ndef handle():\n    while True: os.fork()\n", {}),
    "memory hog": ("kept = []\ndef handle():\n    while True: kept.append(b'x' * (1 << 20))\n", {"memoryBytes": 256 << 20}),
    "endless loop": ("def handle():\n    while True: pass\n", {}),
    "endless loop, half a processor": ("def handle():\n    while True: pass\n", {"cpuThousandths": 500}),
    "disk filler": (
        "def handle():\n    number = 0\n    while True:\n        number += 1\n"
        "        with open('/tmp/%d' % number, 'wb') as file: file.write(bytes(1 << 20))\n", {}),
    "log flood": ("def handle():\n    while True: print('x' * 200)\n", {}),
    "socket hoarder": (
        "import socket\ndef handle():\n    kept = []\n    while True: kept.append(socket.socket())\n", {}),
    "hoarder of the hub's connections": (
        "import socket\ndef handle():\n    kept = []\n"
        "    while True: kept.append(socket.create_connection(('127.0.0.1', PORT)))\n", {}),
}


class Hub:
    def __init__(self, program):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="osiris-neighbour-"))
        token = "sha256:" + hashlib.sha256(b"admin").hexdigest()
        config = {
            "address": "here/hub.here", "cluster": "bench", "host": "127.0.0.1", "port": 0, "generation": "1",
            "tokens": [{"role": "admin", "sha256": token}]}
        path = self.folder / "hub.json"
        path.touch(0o600)
        path.write_text(json.dumps(config))
        self.process = subprocess.Popen([program, "serve", "--data", self.folder], stderr=subprocess.DEVNULL)
        note = self.folder / "hub.pid"
        while not note.exists() or not note.read_text():
            if self.process.poll() is not None:
                sys.exit("the hub does not start")
            time.sleep(0.05)
        self.port = json.loads(note.read_text())["port"]

    def send(self, connection, method, path, body=None):
        connection.request(
            method, path, json.dumps(body) if body is not None else None, {"Authorization": "Bearer admin"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def deploy(self, name, code, limits):
        code = code.replace("PORT", str(self.port))
        body = {
            "name": name, "namespace": "demo", "runtime": "python3", "handler": "code.handle",
            "limits": {"timeoutMs": 5000, **limits},
            "files": [{"path": "code.py", "base64": base64.b64encode(code.encode()).decode()}]}
        connection = self.connect()
        status, answer = self.send(connection, "PUT", "/system/functions", body)
        assert status < 300, answer
        while not self.send(connection, "GET", f"/system/function/{name}?namespace=demo")[1]["ready"]:
            time.sleep(0.05)

    def remove(self, name):
        self.send(self.connect(), "DELETE", "/system/functions", {"functionName": name, "namespace": "demo"})

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder)


def p99(hub, calls):
    """The 99th percentile of a call's wall time, milliseconds."""
    connection = hub.connect()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        status, answer = hub.send(connection, "POST", "/function/demo/neighbour")
        times.append((time.perf_counter() - start) * 1000)
        assert status == 200, answer
    return statistics.quantiles(times, n=100)[98]


class Attack:
    """Calls the offender again and again until it is over."""

    def __init__(self, hub):
        self.answers = collections.Counter()
        self.over = threading.Event()
        self.begun = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(hub,))
        self.thread.start()
        self.begun.wait()

    def run(self, hub):
        while not self.over.is_set():
            self.begun.set()
            status, answer = hub.send(hub.connect(), "POST", "/function/demo/offender")
            self.answers[answer["error"]["code"] if status != 200 else "200"] += 1

    def end(self):
        self.over.set()
        self.thread.join()


def descendants(pid):
    """How many processes below one there are: what is left of an offender would be among them."""
    children = collections.defaultdict(list)
    for name in os.listdir("/proc"):
        try:
            stat = pathlib.Path(f"/proc/{name}/stat").read_text() if name.isdigit() else None
        except OSError:
            stat = None
        if stat:
            children[int(stat.rpartition(")")[2].split()[1])].append(int(name))
    below = children[pid]
    return len(below) + sum(descendants_of(children, child) for child in below)


def descendants_of(children, pid):
    return sum(1 + descendants_of(children, child) for child in children[pid])


def main():
    program = sys.argv[1]
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    calls = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    hub = Hub(program)
    try:
        hub.deploy("neighbour", NEIGHBOUR, {})
        isolation = hub.send(hub.connect(), "GET", "/system/info")[1]["isolation"]
        for name in ("cpu", "memory", "processes", "disk"):
            print(f"{name}: {isolation[name]['inForce']}, {isolation[name]['how']}")
        p99(hub, calls)
        base = descendants(hub.process.pid)
        print("\n| offender | p99 alone | p99 with it | ratio, median | ratios | its answers | processes left |")
        print("|---|---|---|---|---|---|---|")
        for case in sys.argv[4:] or ["nothing", *OFFENDERS]:
            rows = []
            answers = collections.Counter()
            if case != "nothing":
                hub.deploy("offender", *OFFENDERS[case])
            for turn in range(pairs):
                def alone():
                    return p99(hub, calls)

                def beside():
                    attack = Attack(hub) if case != "nothing" else None
                    try:
                        return p99(hub, calls)
                    finally:
                        if attack:
                            attack.end()
                            answers.update(attack.answers)
                if turn % 2:
                    with_it = beside()
                    rows.append((alone(), with_it))
                else:
                    rows.append((alone(), beside()))
            if case != "nothing":
                hub.remove("offender")
            deadline = time.monotonic() + 10
            while descendants(hub.process.pid) != base and time.monotonic() < deadline:
                time.sleep(0.1)
            ratios = [row[1] / row[0] for row in rows]
            told = ", ".join(f"{code} {count}" for code, count in answers.most_common())
            print(
                f"| {case} | {statistics.median(row[0] for row in rows):.1f} ms"
                f" | {statistics.median(row[1] for row in rows):.1f} ms | {statistics.median(ratios):.2f}"
                f" | {' '.join(f'{ratio:.2f}' for ratio in ratios)} | {told}"
                f" | {descendants(hub.process.pid) - base} |", flush=True)
    finally:
        hub.end()


main()
