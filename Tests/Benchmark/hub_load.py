"""What a hub carries: `make bench-load`, or `python3 Tests/Benchmark/hub_load.py OSIRIS_HUB [PART ...]`.

Parts, all of them by default:

    proxy    calls of a container function with 64 connections, through the hub and through nginx, against the same
             upstream in turns. Needs root, podman, nginx, wrk, mmdebstrap.
    idle     resident memory of a hub with 100 functions at zero
    many     10,000 registered functions: deploys per second, start, listing
    queue    1,000 asynchronous calls, and a kill -9 of the hub in their middle: how often each was delivered

Each hub lives in a folder of its own and is removed afterwards, as is everything else that was started.
"""
import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOKEN = "bench"
AUTHORIZATION = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
CODE = "def handle(event):\n    return None\n"


class Hub:
    def __init__(self, program, **more):
        self.program = program
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="osiris-load-"))
        digest = "sha256:" + hashlib.sha256(TOKEN.encode()).hexdigest()
        config = {"address": "a/b.c", "cluster": "bench", "host": "127.0.0.1", "port": 0, "generation": "1",
                  "tokens": [{"role": "admin", "sha256": digest}]} | more
        path = self.folder / "hub.json"
        path.touch(0o600)
        path.write_text(json.dumps(config))
        self.start()

    def start(self):
        """Seconds until it is ready."""
        (self.folder / "hub.pid").unlink(missing_ok=True)
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            [self.program, "serve", "--data", self.folder], stderr=open(self.folder / "log", "a"))
        while True:
            if self.process.poll() is not None:
                sys.exit((self.folder / "log").read_text())
            with contextlib.suppress(OSError, ValueError, KeyError):
                self.port = json.loads((self.folder / "hub.pid").read_text())["port"]
                if self.connect() and self.status("GET", "/ready") == 200:
                    return time.perf_counter() - begin
            time.sleep(0.005)

    def connect(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        return self.connection

    def status(self, method, path):
        self.connection.request(method, path)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def ask(self, method, path, body=None, connection=None, headers={}):
        connection = connection or self.connection
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        connection.request(method, path, data, AUTHORIZATION | headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {data.decode()}")
        return json.loads(data) if data else None

    def deploy(self, name, code=CODE, connection=None, **more):
        files = [{"path": "code.py", "base64": base64.b64encode(code.encode()).decode()}]
        self.ask("PUT", "/system/functions", {
            "name": name, "namespace": "bench", "runtime": "python3", "handler": "code.handle", "files": files,
            "scale": {"min": 0, "max": 1}} | more, connection)

    def memory(self):
        """Resident bytes of the hub itself, and of all processes below it."""
        return resident(self.process.pid), sum(resident(pid) for pid in below(self.process.pid))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def resident(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def processor(pids):
    """Seconds of processor time that the processes had until now."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def below(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(child) for child in found] + [deeper for child in found for deeper in below(int(child))]


def mebibytes(count):
    return f"{count / (1 << 20):.0f} MiB"


# The hub beside nginx

NGINX = """
worker_processes auto; pid {folder}/pid; error_log {folder}/error; daemon off;
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {inner}
}}
"""
# One has one call at a time.
INSTANCES = 16
UPSTREAM = "server { listen 8080; location / { return 200 'ok\\n'; } }"
PROXY = """
    upstream back {{ server 127.0.0.1:{upstream}; keepalive 64; }}
    server {{ listen 127.0.0.1:{port};
        location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ''; }} }}
"""
CONTAINERS = """
[containers]
keyring=false
default_ulimits=["nofile=65536:65536","nproc=4096:4096"]
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="file"
"""


@contextlib.contextmanager
def engine(folder):
    """A podman of its own, with an image of nginx that answers on $PORT."""
    (folder / "containers.conf").write_text(CONTAINERS)
    environment = os.environ | {"CONTAINERS_CONF": str(folder / "containers.conf")}
    podman = ["podman", "--root", str(folder / "storage"), "--runroot", str(folder / "run")]
    (folder / "nginx.conf").write_text(NGINX.format(folder="/tmp", inner=UPSTREAM))
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "--include=nginx-light", f"--customize-hook=copy-in {folder}/nginx.conf /etc/nginx",
         "bookworm", folder / "tree.tar"], check=True)
    subprocess.run(
        podman + ["import", "--quiet", "--change", "USER 65532", "--change", 'CMD ["nginx", "-c", "/etc/nginx/nginx.conf"]', str(folder / "tree.tar"),
                  "localhost/bench-upstream:1"], check=True, env=environment, stdout=subprocess.DEVNULL)
    path = folder / "podman.sock"
    service = subprocess.Popen(podman + ["system", "service", "--time=0", f"unix://{path}"], env=environment)
    try:
        while not path.exists():
            time.sleep(0.05)
        yield path
    finally:
        subprocess.run(podman + ["rm", "--all", "--force", "--time", "1"], env=environment, stdout=subprocess.DEVNULL)
        service.terminate()
        service.wait()
        subprocess.run(podman + ["rmi", "--all", "--force"], env=environment, stdout=subprocess.DEVNULL)
        # Podman mounts its folder on itself.
        subprocess.run(["umount", "--lazy", folder / "storage" / "overlay"], stderr=subprocess.DEVNULL)


def wrk(url, seconds):
    """Calls per second, median and 99th percentile in milliseconds."""
    script = "done = function(s, l, r) io.write(string.format('%f %f %f %d\\n', s.requests / s.duration * 1e6, " \
             "l:percentile(50) / 1e3, l:percentile(99) / 1e3, s.errors.status + s.errors.connect + s.errors.read + s.errors.timeout)) end"
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        out = subprocess.run(
            ["wrk", "-t2", "-c64", f"-d{seconds}s", "-H", "Authorization: Bearer " + TOKEN, "-s", file.name, url],
            check=True, capture_output=True, text=True).stdout
    rate, median, last, errors = out.splitlines()[-1].split()
    return float(rate), float(median), float(last), int(errors)


def await_listener(port):
    while True:
        with socket.socket() as found:
            if found.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def proxy(program):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="osiris-load-proxy-"))
    front = None
    try:
        with engine(folder) as path:
            hub = Hub(program, engine={"socket": str(path)})
            try:
                hub.ask("PUT", "/system/functions", {
                    "name": "up", "namespace": "bench", "runtime": "container", "image": "localhost/bench-upstream:1",
                    "port": 8080, "scale": {"min": INSTANCES, "max": INSTANCES}})
                deadline = time.monotonic() + 60
                while (status := hub.ask("GET", "/system/function/up?namespace=bench"))["availableReplicas"] < INSTANCES:
                    if time.monotonic() > deadline:
                        sys.exit(f"the upstream does not start: {status}")
                    time.sleep(0.1)
                listing = subprocess.run(
                    ["podman", "--root", folder / "storage", "--runroot", folder / "run", "ps", "--format", "{{.Ports}}"],
                    check=True, capture_output=True, text=True).stdout
                upstream = re.search(r"127\.0\.0\.1:(\d+)->", listing)[1]
                port = free_port()
                (folder / "front.conf").write_text(
                    NGINX.format(folder=folder, inner=PROXY.format(upstream=upstream, port=port)))
                front = subprocess.Popen(["nginx", "-c", folder / "front.conf"])
                await_listener(port)
                urls = {"nginx": f"http://127.0.0.1:{port}/", "hub": f"http://127.0.0.1:{hub.port}/function/bench/up",
                        "upstream alone": f"http://127.0.0.1:{upstream}/"}
                for url in urls.values():
                    wrk(url, 1)
                pids = {"nginx": [front.pid] + below(front.pid), "hub": [hub.process.pid], "upstream alone": []}
                runs = {name: [] for name in urls}
                for _ in range(5):
                    for name, url in urls.items():
                        before = processor(pids[name])
                        rate, *rest = wrk(url, 4)
                        runs[name].append([rate, *rest, (processor(pids[name]) - before) / (rate * 4) * 1e6])
                print(f"{'64 connections, 5 turns of 4 s':32}   calls/s    p50 ms    p99 ms  errors  its CPU per call")
                middle = {}
                for name, found in runs.items():
                    middle[name] = [statistics.median(values) for values in zip(*found)]
                    rate, median, last, errors, cost = middle[name]
                    print(f"{name:32} {rate:9.0f} {median:9.2f} {last:9.2f} {errors:7.0f} {cost:14.0f} µs")
                print(f"hub / nginx: {middle['hub'][0] / middle['nginx'][0]:.0%} of the rate, "
                      f"p99 {middle['hub'][2] - middle['nginx'][2]:+.2f} ms")
            finally:
                hub.stop()
    finally:
        if front:
            front.terminate()
            front.wait()
        shutil.rmtree(folder, ignore_errors=True)


# Many functions

def idle(program):
    hub = Hub(program)
    for number in range(100):
        hub.deploy(f"f{number}", scale={"min": 0, "max": 1, "idleMs": 1000})
    hub.ask("POST", "/function/bench/f7", b"{}")
    time.sleep(5)
    own, others = hub.memory()
    print(f"100 functions at zero: the hub has {mebibytes(own)} resident, its processes {mebibytes(others)}")
    hub.stop()


def many(program):
    hub = Hub(program)

    def some(first):
        connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=600)
        for number in range(first, 10_000, 8):
            hub.deploy(f"f{number}", CODE + f"# {number}\n", connection)

    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(8)))
    took = time.perf_counter() - begin
    print(f"10,000 functions deployed by 8 clients: {10_000 / took:.0f} per second")
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        listed = len(hub.ask("GET", "/system/functions"))
        times.append(time.perf_counter() - begin)
    print(f"listing {listed} functions: {statistics.median(times) * 1000:.0f} ms")
    print(f"resident then: {mebibytes(hub.memory()[0])}")
    hub.process.terminate()
    hub.process.wait()
    print(f"start with them, to ready: {hub.start() * 1000:.0f} ms; resident {mebibytes(hub.memory()[0])}")
    hub.stop()


# Queued calls and a kill

def queue(program):
    calls = 1000
    came = {}
    lock = threading.Lock()

    class Target(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            number = int(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                came[number] = came.get(number, 0) + 1
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            pass  # Whoever called was killed with the hub.

    target = Server(("127.0.0.1", 0), Target)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    code = ("import http.client, time\ndef handle(event):\n    time.sleep(0.01)\n"
            f"    c = http.client.HTTPConnection('127.0.0.1', {target.server_port})\n"
            "    c.request('POST', '/', str(event['number']))\n    c.getresponse().read()\n    return None\n")
    hub = Hub(program)
    hub.deploy("note", code, scale={"min": 4, "max": 4})
    begin = time.perf_counter()
    for number in range(calls):
        hub.ask("POST", "/async-function/bench/note", {"number": number}, headers={"X-Call-Id": f"call-{number}"})
    queued = time.perf_counter() - begin
    while len(came) < calls // 3:
        time.sleep(0.005)
    at_kill = len(came)
    hub.kill()
    restart = hub.start()
    deadline = time.monotonic() + 120
    while len(came) < calls and time.monotonic() < deadline:
        time.sleep(0.05)
    took = time.perf_counter() - begin
    more = sum(1 for count in came.values() if count > 1)
    print(f"{calls} calls taken in {queued:.1f} s; kill -9 after {at_kill}; ready again in {restart * 1000:.0f} ms; "
          f"{len(came)} delivered, {more} of them more than once; all in {took:.1f} s")
    hub.stop()
    target.shutdown()


def main():
    parts = {"proxy": proxy, "idle": idle, "many": many, "queue": queue}
    program = os.path.abspath(sys.argv[1])
    for name in sys.argv[2:] or parts:
        parts[name](program)


main()
