"""A container engine for tests: engine.py SOCKET FOLDER

Speaks the part of the Docker Engine API 1.41 that the hub uses, on a Unix socket. A container is a process of this
machine on a loopback port; there is no isolation, but what a container was asked to have is kept and shown.

FOLDER/images.json is read at each request: {REFERENCE: {"id", "digests", "command", "pulled", "pullSeconds", "pullError"}}.
FOLDER/engine.json may hold {"rootless": true}. FOLDER/containers.json is written at each change of a container.
It says "ready" on standard output, and ends with its containers when its standard input does.
"""
import http.server, json, os, random, re, signal, socket, socketserver, subprocess, sys, threading, time, urllib.parse, uuid

path, folder = sys.argv[1], sys.argv[2]
lock = threading.RLock()
containers, pulled = {}, set()


def document(name):
    try:
        with open(os.path.join(folder, name)) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


claims = []


def free_port():
    """Below those the system gives to connections and to whoever asks for any, in a range that no other tests use."""
    for port in random.sample(range(10_000, 15_000), 1_000):
        # A name that this process has until its end, so that no other engine of these tests takes the same.
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind("\0osiris-engine-%d" % port)
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
            continue
        claims.append(claim)
        return port
    raise SystemExit("no port is free")


class Container:
    def __init__(self, name, body, image):
        self.id, self.name, self.body, self.image = uuid.uuid4().hex * 2, name, body, image
        self.process, self.code, self.frames, self.ended = None, 0, [], threading.Condition(lock)
        self.port = free_port()
        self.state = "created"

    @property
    def running(self):
        return self.state == "running"

    def start(self):
        env = dict(word.split("=", 1) for word in self.body.get("Env") or [])
        # Two containers on one machine without networks of their own cannot have the same port.
        env.update(PORT=str(self.port), PATH=os.environ["PATH"])
        command = self.image["command"] + (self.body.get("Cmd") or [])
        self.process = subprocess.Popen(
            command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)
        self.state = "running"
        pumps = [threading.Thread(target=self.pump, args=args, daemon=True)
                 for args in ((1, self.process.stdout), (2, self.process.stderr))]
        for pump in pumps:
            pump.start()
        threading.Thread(target=self.reap, args=(pumps,), daemon=True).start()

    def pump(self, number, stream):
        while data := os.read(stream.fileno(), 4096):
            with lock:
                self.frames.append(bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data)
                self.ended.notify_all()

    def reap(self, pumps):
        code = self.process.wait()
        self.signal(signal.SIGKILL)
        for pump in pumps:
            pump.join(2)
        with lock:
            self.code = code if code >= 0 else 128 - code
            self.state = "exited"
            self.ended.notify_all()
            save()

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, AttributeError):
            pass

    def inspect(self):
        host = self.body.get("HostConfig") or {}
        published = {
            key: [{"HostIp": binding.get("HostIp", ""), "HostPort": str(self.port)} for binding in bindings]
            for key, bindings in (host.get("PortBindings") or {}).items()}
        network = host.get("NetworkMode") or "bridge"
        return {
            "Id": self.id, "Name": "/" + self.name, "Image": self.image["id"], "Path": "", "Args": [],
            "Config": self.body, "HostConfig": host,
            "State": {"Status": self.state, "Running": self.running, "ExitCode": self.code, "OOMKilled": False,
                      "Error": "", "Pid": self.process.pid if self.process else 0},
            "NetworkSettings": {"Ports": published, "Networks": {network: {"IPAddress": "127.0.0.1"}}}}


def save():
    beside = os.path.join(folder, "containers.new")
    with open(beside, "w") as file:
        json.dump([one.inspect() for one in containers.values()], file)
    os.rename(beside, os.path.join(folder, "containers.json"))


class Refusal(Exception):
    def __init__(self, status, message):
        self.status, self.message = status, message


def find(kind, things, key):
    for thing in things.values():
        if key and (thing.id.startswith(key) or thing.name == key):
            return thing
    raise Refusal(404, "No such %s: %s" % (kind, key))


def image(reference):
    for name, one in document("images.json").items():
        if reference in [name, one["id"], one["id"].split(":")[1]] + one.get("digests", []):
            if not one.get("pulled") or name in pulled:
                return name, one
    raise Refusal(404, "No such image: " + reference)


def flag(query, name):
    return query.get(name, "").lower() in ("1", "true")


def has(labels, query):
    wanted = json.loads(query.get("filters", "{}")).get("label", [])
    return all(word.split("=", 1)[1] == labels.get(word.split("=", 1)[0]) for word in wanted)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def address_string(self):
        return "socket"

    def do(self):
        size = int(self.headers.get("Content-Length") or 0)
        self.sent = json.loads(self.rfile.read(size) or b"null") or {}
        parts = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        plain = re.sub(r"^/v1\.[0-9]+", "", parts.path)
        for method, pattern, answer in ROUTES:
            match = re.fullmatch(pattern, plain)
            if method == self.command and match:
                try:
                    return answer(self, *map(urllib.parse.unquote, match.groups()))
                except Refusal as refusal:
                    return self.say(refusal.status, {"message": refusal.message})
        self.say(404, {"message": "page not found"})

    do_GET = do_POST = do_DELETE = do_HEAD = do

    def say(self, status, body=None, kind="application/json"):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        if status != 204 and status != 304:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def begin(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def version(self):
        self.say(200, {"Version": "0.0", "ApiVersion": "1.41", "MinAPIVersion": "1.24", "Os": "linux",
                       "Components": [{"Name": "Test Engine", "Version": "0.0"}]})

    def info(self):
        rootless = document("engine.json").get("rootless")
        self.say(200, {"ID": "test", "SecurityOptions": ["name=rootless"] if rootless else []})

    def inspect_image(self, reference):
        name, one = image(reference)
        self.say(200, {"Id": one["id"], "RepoTags": [name], "RepoDigests": one.get("digests", [])})

    def pull(self):
        reference = self.query["fromImage"]
        if self.query.get("tag"):
            reference += ("@" if ":" in self.query["tag"] else ":") + self.query["tag"]
        self.begin("application/json")
        self.chunk(json.dumps({"status": "Pulling from " + reference}).encode() + b"\r\n")
        one = document("images.json").get(reference)
        time.sleep((one or {}).get("pullSeconds", 0))
        error = "manifest unknown" if one is None else one.get("pullError")
        if error:
            last = {"errorDetail": {"message": error}, "error": error}
        else:
            pulled.add(reference)
            last = {"status": "Status: Downloaded newer image for " + reference}
        # In two pieces, as a slow network has it.
        data = json.dumps(last).encode() + b"\r\n"
        self.chunk(data[:10])
        self.chunk(data[10:])
        self.chunk(b"")

    def create(self):
        name, one = image(self.sent["Image"])
        with lock:
            made = Container(self.query.get("name") or uuid.uuid4().hex, self.sent, one)
            if any(other.name == made.name for other in containers.values()):
                raise Refusal(409, "Conflict. The container name is already in use")
            containers[made.id] = made
            save()
        self.say(201, {"Id": made.id, "Warnings": []})

    def start(self, key):
        with lock:
            one = find("container", containers, key)
            if one.running:
                return self.say(304)
            one.start()
            save()
        self.say(204)

    def inspect(self, key):
        with lock:
            self.say(200, find("container", containers, key).inspect())

    def list(self):
        with lock:
            found = [one.inspect() for one in containers.values()
                     if has(one.body.get("Labels") or {}, self.query) and (flag(self.query, "all") or one.running)]
        self.say(200, [{"Id": one["Id"], "Names": [one["Name"]], "Labels": one["Config"].get("Labels") or {},
                        "State": one["State"]["Status"], "Image": one["Image"]} for one in found])

    def wait(self, key):
        with lock:
            one = find("container", containers, key)
            while one.state != "exited" and one.id in containers:
                one.ended.wait()
            self.say(200, {"StatusCode": one.code})

    def stop(self, key):
        with lock:
            one = find("container", containers, key)
            if not one.running:
                return self.say(304)
            one.signal(signal.SIGTERM)
            deadline = time.monotonic() + float(self.query.get("t", 10))
            while one.running and time.monotonic() < deadline:
                one.ended.wait(max(0, deadline - time.monotonic()))
            one.signal(signal.SIGKILL)
            while one.running:
                one.ended.wait()
        self.say(204)

    def kill(self, key):
        with lock:
            one = find("container", containers, key)
            if not one.running:
                raise Refusal(409, "Container %s is not running" % key)
            one.signal(getattr(signal, self.query.get("signal", "SIGKILL")))
        self.say(204)

    def remove(self, key):
        with lock:
            one = find("container", containers, key)
            if one.running and not flag(self.query, "force"):
                raise Refusal(409, "You cannot remove a running container")
            one.signal(signal.SIGKILL)
            while one.running:
                one.ended.wait()
            containers.pop(one.id, None)
            one.ended.notify_all()
            save()
        self.say(204)

    def logs(self, key):
        with lock:
            one = find("container", containers, key)
        follow = flag(self.query, "follow")
        self.begin("application/vnd.docker.raw-stream")
        at = len(one.frames) if self.query.get("tail") == "0" else 0
        while True:
            with lock:
                while follow and at == len(one.frames) and one.state == "running":
                    one.ended.wait()
                frames, done = one.frames[at:], one.state != "running"
            at += len(frames)
            for frame in frames:
                if flag(self.query, "stdout" if frame[0] == 1 else "stderr"):
                    self.chunk(frame)
            if (done or not follow) and at == len(one.frames):
                return self.chunk(b"")


ROUTES = [
    ("GET", "/_ping", lambda self: self.say(200, b"OK", "text/plain")),
    ("HEAD", "/_ping", lambda self: self.say(200, b"", "text/plain")),
    ("GET", "/version", Handler.version), ("GET", "/info", Handler.info),
    ("GET", "/images/(.+)/json", Handler.inspect_image), ("POST", "/images/create", Handler.pull),
    ("POST", "/containers/create", Handler.create), ("GET", "/containers/json", Handler.list),
    ("GET", "/containers/([^/]+)/json", Handler.inspect), ("POST", "/containers/([^/]+)/start", Handler.start),
    ("POST", "/containers/([^/]+)/stop", Handler.stop), ("POST", "/containers/([^/]+)/kill", Handler.kill),
    ("POST", "/containers/([^/]+)/wait", Handler.wait), ("GET", "/containers/([^/]+)/logs", Handler.logs),
    ("DELETE", "/containers/([^/]+)", Handler.remove),
]


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(path, Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
with lock:
    for one in containers.values():
        one.signal(signal.SIGKILL)
os._exit(0)
