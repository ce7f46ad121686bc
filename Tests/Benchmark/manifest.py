"""Times `osiris validate` on large and on hostile manifests: `make bench-manifest`.

    manifest.py PROGRAM

Large: 10,000, 100,000 and 1,000,000 lines of functions, ten lines each, valid. One machine, so that reading and checking
weigh and not the plan's resources. Hostile: files of 50 MiB, and small ones that would be large if every alias were followed.
CPU seconds are the process's own (user), from the kernel's accounting, best of several runs; memory is the largest.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HEAD = """\
apiVersion: osiris.dev/v1
kind: Cluster
metadata: {name: bench}
spec:
  variables: {greeting: {default: hi}}
  targets: [{name: here, provider: local}]
"""

FUNCTION = """\
    - name: f{i}
      runtime: command
      command: [echo, "{i}"]
      env:
        N: "{i}"
        GREETING: ${{var.greeting}} all
      limits:
        timeout: 10s
        memory: 128Mi
      scale: {{min: 1, max: 4}}
"""

MIB = 1 << 20


def large(lines):
    return (HEAD + "  functions:\n" + "".join(FUNCTION.format(i=i) for i in range((lines - 7) // 10))).encode()


VALID = ["one text of 50 MiB"]


def hostile():
    yield "one text of 50 MiB", (HEAD + '  hub: {image: "' + "x" * (50 * MIB) + '"}\n').encode()
    yield "a list of 50 MiB", ("- a\n" * (50 * MIB // 4)).encode()
    yield "a mapping of 50 MiB", (HEAD + "".join(f"  k{i}: 1\n" for i in range(50 * MIB // 13))).encode()
    yield "50 MiB of brackets", b"[" * (50 * MIB)
    yield "50 MiB of zero bytes", bytes(50 * MIB)
    yield "50 MiB that are not UTF-8", b"\xff\xfe\xfd" * (50 * MIB // 3)
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    yield "aliases of aliases", bomb.encode()


def run(program, path):
    """Exit code, user seconds, peak MiB and first line of the answer."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([program, "validate", "-f", path], stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        answer = out.readline().decode(errors="replace").strip()
    return process.returncode, usage.ru_utime, usage.ru_maxrss / 1024, answer


def row(name, program, path, runs, expected):
    results = [run(program, path) for _ in range(runs)]
    code, _, _, answer = results[0]
    assert code == expected, (name, results[0])
    seconds, peak = min(r[1] for r in results), max(r[2] for r in results)
    print(f"  {name:<28} {seconds:8.3f} s user {peak:8.1f} MiB   {answer[:90]}", flush=True)


def main():
    program = os.path.abspath(sys.argv[1])
    print(f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="osiris-bench-") as folder:
        path = pathlib.Path(folder) / "cluster.yaml"
        for lines, runs in ((10_000, 5), (100_000, 3), (1_000_000, 2)):
            path.write_bytes(large(lines))
            row(f"{lines:,} lines", program, path, runs, 0)
        for name, text in hostile():
            path.write_bytes(text)
            row(name, program, path, 1, 0 if name in VALID else 3)


if __name__ == "__main__":
    main()
