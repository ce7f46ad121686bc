"""Times calls through a hub: `python3 Tests/Benchmark/hub.py .build/release/osiris-hub [CALLS]`.

Starts the hub on a folder of its own with one warm instance of an empty python3 handler and calls it over one connection,
one call after the other; then cold starts, from the call to its answer, of functions scaled to zero: with interpreters that
wait for a function, as a hub has them unless told otherwise, without, and beside them the bare interpreter's start and end.
With a second program, `… NEW CALLS OLD`, the two take turns.
"""
import base64, hashlib, http.client, json, os, statistics, subprocess, sys, tempfile, time

TOKEN = "bench"
CODE = b"def handle(event):\n    return None\n"
# Without it a wrapper in the user's own PATH could be measured, which no function sees.
PATH = "/usr/local/bin:/usr/bin:/bin"
COLD = {
    "python3": ("code.py", CODE, ["python3", "-c", "pass"]),
    "node": ("code.js", b"exports.handle = () => null;\n", ["node", "-e", "0"])}


class Hub:
    def __init__(self, program, warm=1):
        self.warm = warm
        self.folder = tempfile.mkdtemp(prefix="osiris-bench-")
        digest = "sha256:" + hashlib.sha256(TOKEN.encode()).hexdigest()
        config = {"address": "a/b.c", "cluster": "bench", "host": "127.0.0.1", "port": 0, "generation": "1",
                  "tokens": [{"role": "admin", "sha256": digest}], "warm": {"each": warm}}
        with open(os.open(self.folder + "/hub.json", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump(config, file)
        self.process = subprocess.Popen([program, "serve", "--data", self.folder], stderr=subprocess.DEVNULL,
                                        env={"PATH": PATH})
        while not os.path.exists(self.folder + "/hub.pid"):
            time.sleep(0.01)
        with open(self.folder + "/hub.pid") as file:
            self.connection = http.client.HTTPConnection("127.0.0.1", json.load(file)["port"])

    def ask(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise SystemExit("%s %s: %d %s" % (method, path, answer.status, data.decode()))
        return data

    def deploy(self, name, runtime, file, code, minimum):
        files = [{"path": file, "base64": base64.b64encode(code).decode()}]
        self.ask("PUT", "/system/functions", json.dumps({
            "name": name, "namespace": "bench", "runtime": runtime, "handler": "code.handle", "files": files,
            "scale": {"min": minimum, "max": 1, "idleMs": 1}}))

    def calls(self, name, count):
        """Seconds of each call."""
        times = []
        for _ in range(count):
            start = time.perf_counter()
            self.ask("POST", "/function/bench/" + name, b"{}")
            times.append(time.perf_counter() - start)
        return times

    def cold(self, name, count):
        """Seconds of calls that start an instance."""
        times = []
        for _ in range(count):
            while json.loads(self.ask("GET", "/system/function/%s?namespace=bench" % name))["replicas"]:
                time.sleep(0.01)
            # An older hub has none.
            while self.warm and not any(
                    runtime["ready"] for runtime in
                    json.loads(self.ask("GET", "/system/info")).get("warm", {"runtimes": {"": {"ready": 1}}})["runtimes"].values()):
                time.sleep(0.01)
            times += self.calls(name, 1)
        return times

    def stop(self):
        self.process.terminate()
        self.process.wait()
        subprocess.run(["rm", "-rf", self.folder])


def line(what, times):
    times = sorted(times)
    print("%-34s %8.0f per second   p50 %7.3f ms   p99 %7.3f ms" % (
        what, len(times) / sum(times), statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000))


def main():
    program, count, old = (sys.argv[1:] + [None] * 2)[:3]
    count = int(count or 5000)
    hubs = [(label, Hub(path)) for label, path in (("", program), ("before: ", old)) if path]
    warm = {label: [] for label, _ in hubs}
    for label, hub in hubs:
        hub.deploy("warm", "python3", "code.py", CODE, 1)
        hub.calls("warm", 200)
    # In turns, so that what else the machine does hits both.
    for _ in range(10):
        for label, hub in hubs:
            warm[label] += hub.calls("warm", count // 10)
    for label, _ in hubs:
        line(label + "python3, one instance", warm[label])
    hubs.insert(1, ("none waits: ", Hub(program, warm=0)))
    for runtime, (file, code, bare) in COLD.items():
        times = {label: [] for label, _ in [*hubs, ("bare", None)]}
        for label, hub in hubs:
            hub.deploy("cold", runtime, file, code, 0)
        for _ in range(40):
            for label, hub in hubs:
                times[label] += hub.cold("cold", 1)
            start = time.perf_counter()
            subprocess.run(bare, env={"PATH": PATH}, check=True)
            times["bare"].append(time.perf_counter() - start)
        for label, _ in hubs:
            line("%s%s, cold start" % (label, runtime), times[label])
        line("%s, bare interpreter" % runtime, times["bare"])
    print("load: " + " ".join("%.1f" % load for load in os.getloadavg()))
    label, hub = hubs[0]
    hub.deploy("node", "node", "code.js", b"exports.handle = () => null;\n", 1)
    hub.calls("node", 200)
    line("node, one instance", hub.calls("node", count))
    for _, hub in hubs:
        hub.stop()


main()
