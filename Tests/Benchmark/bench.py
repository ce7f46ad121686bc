"""Times and counts plans and applies of simulated fleets: `make bench`.

    bench.py PROGRAM [N ...]        default: 1000 10000 100000 resources

For each size: a first plan (nothing exists: parse, expand, diff, order, render; no reads), an apply with zero latency, a
plan with nothing to do, a plan after 1 % of the resources changed outside. Each figure is of the whole process, from the
kernel's accounting of it; wall is the best of several runs for plans. State bytes are all bytes the process wrote less
those in the simulated store and on its standard output. The floor of an apply is what the disk alone needs: the same
bytes, written and synced once for each 32 operations.

Last, what it costs to have every intent and result on the disk before the next step: the same apply with its state on the
disk and in memory (/dev/shm), at several parallelisms, with a provider that answers at once and one that takes 20 ms. Syncs
are counted with strace, if it is there.
"""

import os
import pathlib
import shutil
import sys
import tempfile
import time

MANIFEST = """\
apiVersion: osiris.dev/v1
kind: Cluster
metadata: {{name: bench}}
spec:
  functions:
{functions}
  targets:
    - name: fleet
      provider: simulated
      machines: {{count: {count}}}
      simulate: {{store: fleet.jsonl, latency: {latency}}}
"""

FUNCTION = """\
    - name: f{index}
      namespace: demo
      runtime: command
      command: [cat]
      env: {{LEVEL: low}}
"""

PER_MACHINE = 13  # machine, engine, image, hub and nine functions


class Run:
    """One process: exit code, wall and CPU seconds, peak memory in MiB, bytes written."""

    def __init__(self, arguments, folder):
        with open(folder / "stdout", "wb") as out:
            start = time.monotonic()
            pid = os.posix_spawn(
                arguments[0], [str(a) for a in arguments], os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)])
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            self.wall = time.monotonic() - start
            with open(f"/proc/{pid}/io") as io:
                written = dict(line.split(": ") for line in io.read().splitlines())
            _, status, usage = os.wait4(pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss / 1024
        self.stdout = os.path.getsize(folder / "stdout")
        self.written = int(written["wchar"])


def write_manifest(folder, machines, latency="0ms"):
    functions = "".join(FUNCTION.format(index=i) for i in range(1, 10))
    (folder / "cluster.yaml").write_text(MANIFEST.format(functions=functions, count=machines, latency=latency))


def drift(folder, share):
    """Changes one attribute of a share of the functions behind the program's back, in the store it is compared with."""
    store = folder / "fleet.jsonl"
    lines = store.read_text().splitlines(keepends=True)
    functions = [i for i, line in enumerate(lines) if '"LEVEL":"low"' in line]
    for i in functions[:: max(1, int(1 / share))][: int(len(lines) * share)]:
        lines[i] = lines[i].replace('"LEVEL":"low"', '"LEVEL":"odd"')
    store.write_text("".join(lines))


def row(name, runs, extra=""):
    best = min(runs, key=lambda run: run.wall)
    peak = max(run.peak for run in runs)
    print(f"  {name:<28} {best.wall:8.3f} s wall {best.cpu:8.3f} s cpu {peak:7.1f} MiB{extra}", flush=True)
    return best


def floor(folder, operations, count):
    """Seconds to write `count` bytes with one fsync for each 32 operations."""
    syncs = max(1, operations // 32)
    chunk = b"x" * max(1, count // syncs)
    start = time.monotonic()
    with open(folder / "floor", "wb", buffering=0) as file:
        for _ in range(syncs):
            file.write(chunk)
            os.fsync(file.fileno())
    return time.monotonic() - start


def bench(program, size):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="osiris-bench-"))
    try:
        machines = max(1, size // PER_MACHINE)
        operations = machines * PER_MACHINE
        write_manifest(folder, machines)
        print(f"\n{operations} resources on {machines} machines")
        plan = [program, "plan", "-f", folder]
        repeat = 3 if size > 20000 else 5
        first = row("first plan", [Run(plan, folder) for _ in range(repeat)])
        apply = Run([program, "apply", "--auto-approve", "-f", folder], folder)
        assert apply.status == 0, "apply failed"
        stored = os.path.getsize(folder / "fleet.jsonl")
        state = apply.written - stored - apply.stdout
        row("apply from empty", [apply], f"  {state / operations:7.0f} state bytes/operation")
        limit = floor(folder, operations, state)
        print(f"  {'disk floor of that apply':<28} {limit:8.3f} s wall: apply takes {apply.wall / limit:.1f} times as long")
        noop = row("plan, nothing to do", [Run(plan, folder) for _ in range(repeat)])
        assert Run(plan + ["--detailed-exitcode"], folder).status == 0, "the second plan is not empty"
        drift(folder, 0.01)
        row("plan, 1 % changed", [Run(plan, folder) for _ in range(repeat)])
        return operations, first.wall, apply.wall, noop.wall, state / operations
    finally:
        shutil.rmtree(folder)


def syncs(arguments, folder):
    """How often a process and its threads asked for data to be on the disk; None without strace."""
    strace = shutil.which("strace")
    if not strace:
        return None
    report = folder / "syncs"
    Run([strace, "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", report, *arguments], folder)
    calls = [line.split() for line in report.read_text().splitlines()]
    return sum(int(line[3]) for line in calls if line and line[-1] in ("fsync", "fdatasync"))


def durability(program, machines):
    operations = machines * PER_MACHINE
    print(f"\nwhat intents and results on the disk cost an apply of {operations}")
    print("  latency  parallelism   on disk  in memory   cost/operation   share   syncs/operation")
    for latency in ("0ms", "20ms"):
        for parallelism in (1, 8, 32, 128):
            if latency != "0ms" and parallelism == 1:
                continue

            def apply(state, measure):
                folder = pathlib.Path(tempfile.mkdtemp(prefix="osiris-bench-"))
                try:
                    write_manifest(folder, machines, latency)
                    return measure(
                        [program, "apply", "--auto-approve", "--parallelism", parallelism, "-f", folder,
                         "--state", state or folder / "state.db"], folder)
                finally:
                    shutil.rmtree(folder)

            def wall(state=None):
                return apply(state, lambda arguments, folder: Run(arguments, folder).wall)

            memory = pathlib.Path(tempfile.mkdtemp(prefix="osiris-bench-", dir="/dev/shm"))
            try:
                # In turns, so that whatever else the machine does meets both.
                pairs = [(wall(), wall(memory / f"{turn}.db")) for turn in range(5)]
            finally:
                shutil.rmtree(memory)
            disk, bare = (sorted(column)[2] for column in zip(*pairs))
            count = apply(None, syncs)
            per = "     -" if count is None else f"{count / operations:6.2f}"
            print(
                f"  {latency:>7}  {parallelism:11}  {disk:7.3f} s  {bare:7.3f} s  {(disk - bare) / operations * 1e6:11.0f} us"
                f"  {(disk - bare) / disk:6.0%}   {per}", flush=True)


def main():
    program = os.path.abspath(sys.argv[1])
    sizes = [int(size) for size in sys.argv[2:]] or [1000, 10000, 100000]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="osiris-bench-"))
    row("start (osiris version)", [Run([program, "version"], folder) for _ in range(20)])
    shutil.rmtree(folder)
    results = [bench(program, size) for size in sizes]
    print("\nper 1,000 resources: linear if these stay equal down a column")
    print("  resources   first plan     apply   no-op plan   state bytes/operation")
    for count, first, apply, noop, state in results:
        k = count / 1000
        print(f"  {count:9}  {first / k:8.4f} s {apply / k:8.4f} s   {noop / k:8.4f} s   {state:10.0f}")
    durability(program, 40)


if __name__ == "__main__":
    main()
