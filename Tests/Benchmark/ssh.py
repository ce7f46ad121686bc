#!/usr/bin/env python3
"""Compares clients that set hosts up over SSH: `python3 Tests/Benchmark/ssh.py [--hosts 8,32] [--osiris PROGRAM]`.

Boots a rack (Tests/Rack) and lets each client do the same work on it, turn by turn. Prints a Markdown table; docs/benchmarks.md
says what the columns are. Needs root, a C compiler with libssh2's headers, and PyPI once for the rivals.
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
RACK = os.path.join(HERE, "..", "Rack", "rack.py")
sys.path.insert(0, os.path.join(HERE, "ssh"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hosts", default="8,32", help="sizes, like 8,32,64")
    parser.add_argument("--rtt", default="0ms,20ms", help="round-trip times; all but the first only for `noop` and `facts`")
    parser.add_argument("--work", default="noop,facts,bootstrap,again")
    parser.add_argument("--clients", help="names, like floor,pyinfra; all by default")
    parser.add_argument("--turns", type=int, default=3, help="of noop and facts; the others have one")
    parser.add_argument("--osiris", metavar="PROGRAM")
    parser.add_argument("--venv", default=os.path.expanduser("~/.cache/osiris-bench-ssh"), metavar="DIR")
    parser.add_argument("--json", metavar="FILE", help="also write every turn there")
    return parser.parse_args()


def inside(folder):
    """Goes on in a Python that has the rivals."""
    import rivals
    python = os.path.join(folder, "bin", "python")
    mark = os.path.join(folder, "osiris-" + "-".join(rivals.PYTHON).replace("==", "-"))
    if not os.path.exists(mark):
        print(f"installing the rivals into {folder}", file=sys.stderr)
        if not os.path.exists(python):
            venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *rivals.PYTHON], check=True)
        open(mark, "w").close()
    if os.path.abspath(sys.prefix) != os.path.abspath(folder):
        os.execv(python, [python, *sys.argv])


class Run:
    def __init__(self, words, folder):
        import measure
        import rivals
        import work
        self.words, self.work, self.measure = words, work, measure
        self.rack = os.path.join(folder, "rack")
        with open(self.rack + "/rack.json") as file:
            self.data = json.load(file)
        for host in self.data["hosts"]:
            host["leader"] = measure.power.leader(host)
        made = work.files(folder)
        work.payload(made, os.path.join(folder, "payload.tar"))
        wanted = words.clients.split(",") if words.clients else None
        kinds = [kind for kind in rivals.ALL if not wanted or kind.name in wanted]
        rivals.Osiris.program = words.osiris and os.path.abspath(words.osiris)
        if not words.osiris:
            kinds.remove(rivals.Osiris)
        self.stand_in()
        login = {key: self.data[key] for key in ("user", "identity", "knownHosts")}
        self.clients = [kind(folder, login, made) for kind in kinds]
        self.results = []

    def stand_in(self):
        """Puts the engine and the hub of the benchmark on the hosts, without SSH."""
        version = "0"
        if self.words.osiris:
            version = subprocess.run([self.words.osiris, "version"], check=True, capture_output=True, text=True).stdout.split()[1]
        for host in self.data["hosts"]:
            root = os.path.join(self.rack, host["name"], "root", "usr", "local")
            shutil.copy(HERE + "/ssh/stand-in.sh", root + "/bin/podman")
            os.chmod(root + "/bin/podman", 0o755)
            shutil.copy(HERE + "/ssh/stand-in.py", root + "/lib/stand-in.py")
            with open(root + "/lib/stand-in.version", "w") as file:
                file.write(version + "\n")

    def turn(self, client, piece, hosts, rtt):
        client.before(piece)
        os.sync()  # Nobody pays for what the one before wrote.
        words = client.command("bootstrap" if piece == "again" else piece, [host["address"] for host in hosts])
        result, group = self.measure.turn(words, client.environment, self.data, hosts)
        client.after()
        group.end()
        result |= {"client_name": client.name, "work": piece, "hosts": len(hosts), "rtt": rtt}
        self.results.append(result)
        print(f"{client.name:16} {piece:10} {len(hosts):3} hosts {rtt:5} {result['wall']:7.2f} s", file=sys.stderr)

    def all(self):
        pieces = self.words.work.split(",")
        turns = [piece for piece in ("noop", "facts") if piece in pieces]
        for number, rtt in enumerate(self.words.rtt.split(",")):
            subprocess.run([sys.executable, RACK, "rtt", "--folder", self.rack, rtt], check=True)
            for size in map(int, self.words.hosts.split(",")):
                hosts = self.data["hosts"][:size]
                for piece in turns:
                    for repeat in range(self.words.turns):
                        # Another one begins each time.
                        for client in self.clients[repeat:] + self.clients[:repeat]:
                            self.turn(client, piece, hosts, rtt)
                if number == 0 and "bootstrap" in pieces:
                    for client in self.clients:
                        self.turn(client, "bootstrap", hosts, rtt)
                        if "again" in pieces:
                            self.turn(client, "again", hosts, rtt)
                        self.undo(hosts)

    def undo(self, hosts):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda host: self.measure.power.inside(host, ["sh", "-c", self.work.UNDO], check=True), hosts))

    def table(self):
        print("| work | hosts | RTT | client | wall | to the floor | client CPU per host | host CPU per host | memory "
              "| connections per host | bytes per host |")
        print("|---|---|---|---|---|---|---|---|---|---|---|")
        keys = []
        for result in self.results:
            key = result["work"], result["hosts"], result["rtt"]
            if key not in keys:
                keys.append(key)
        for work, hosts, rtt in keys:
            floor = None
            for client in self.clients:
                found = [result for result in self.results
                         if (result["work"], result["hosts"], result["rtt"], result["client_name"]) == (work, hosts, rtt, client.name)]
                middle = {key: statistics.median(result[key] for result in found) if found[0][key] is not None else None
                          for key in ("wall", "client", "host", "memory", "connections", "bytes")}
                floor = floor or middle["wall"]
                cpu = [f"{middle[key] / hosts * 1000:.1f} ms" if middle[key] is not None else "–" for key in ("client", "host")]
                print(f"| {work} | {hosts} | {rtt} | {client.name} | {middle['wall']:.2f} s | {middle['wall'] / floor:.2f} "
                      f"| {cpu[0]} | {cpu[1]} | {middle['memory'] / 2**20:.1f} MiB | {middle['connections'] / hosts:.1f} "
                      f"| {middle['bytes'] / hosts / 1000:.1f} kB |")


def main():
    words = arguments()
    inside(words.venv)
    sizes = list(map(int, words.hosts.split(",")))
    with tempfile.TemporaryDirectory(prefix="osiris-bench-ssh-") as folder:
        rack = os.path.join(folder, "rack")
        try:
            # Ansible needs Python on the hosts.
            subprocess.run([sys.executable, RACK, "up", "--hosts", str(max(sizes)), "--with", "python3", "--folder", rack],
                           check=True, stdout=subprocess.DEVNULL)
            run = Run(words, folder)
            run.all()
            run.table()
            if words.json:
                with open(words.json, "w") as file:
                    json.dump(run.results, file)
        finally:
            subprocess.run([sys.executable, RACK, "down", "--folder", rack], check=True)


main()
