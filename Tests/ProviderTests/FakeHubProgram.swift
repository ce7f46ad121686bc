/// A stand-in for `osiris-hub` in Python: the same arguments, files and API, and faults on request.
///
/// It reads `mode.json` beside itself at every request, and appends every request to `requests`.
let fakeHubProgram = #"""
    #!/usr/bin/env python3
    import base64, fcntl, hashlib, json, os, signal, sys, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    data = sys.argv[sys.argv.index("--data") + 1]
    beside = os.path.dirname(os.path.abspath(__file__))

    def mode():
        try:
            with open(beside + "/mode.json") as file: return json.load(file)
        except FileNotFoundError: return {}

    if mode().get("exit"):
        print("first line\nhub: the catalog is damaged", flush=True)
        sys.exit(3)
    lock = open(data + "/lock", "w")
    try: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError: sys.exit("another hub runs on this folder")
    if os.stat(data + "/hub.json").st_mode & 0o077: sys.exit("hub.json is open to others")
    if mode().get("stuck"):
        open(beside + "/is-stuck", "w").close()
        signal.pause()
    time.sleep(mode().get("startDelay", 0))
    config = json.load(open(data + "/hub.json"))
    functions, fences = {}, {}
    catalog = data + "/catalog.json"
    if os.path.exists(catalog): functions = json.load(open(catalog))

    def tree_digest(files):
        whole = b""
        for file in sorted(files, key=lambda f: f["path"]):
            for part in (file["path"].encode(), bytes([1 if file["executable"] else 0]),
                         hashlib.sha256(base64.b64decode(file["base64"])).digest()):
                whole += b"%d:" % len(part) + part
        return "sha256:" + hashlib.sha256(whole).hexdigest()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *args): pass
        def reply(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        def fail(self, status, message): self.reply(status, {"error": {"code": "fake", "message": message}})
        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with open(beside + "/requests", "a") as file: file.write(self.command + " " + self.path + "\n")
            path = self.path.split("?")[0]
            faults = mode()
            if path == "/healthz": return self.reply(200, {})
            token = (self.headers.get("Authorization") or "")[len("Bearer "):]
            digest = "sha256:" + hashlib.sha256(token.encode()).hexdigest()
            if faults.get("unauthorized") or digest not in [t["sha256"] for t in config["tokens"]]:
                return self.fail(401, "A valid bearer token is needed.")
            key = self.command + " " + path
            if key in faults.get("delay", {}): time.sleep(faults["delay"][key])
            if key in faults.get("status", {}): return self.fail(faults["status"][key], "broken on request")
            lineage = self.headers.get("Osiris-Lineage")
            if self.command in ("PUT", "POST", "DELETE") and lineage and path.startswith("/system/"):
                fence = int(self.headers["Osiris-Fence"])
                if fences.get(lineage, 0) > fence: return self.fail(412, "a later run, %d" % fences[lineage])
                fences[lineage] = fence
            if key == "PUT /system/fence": return self.reply(200, {"result": "fenced"})
            if path == "/system/info":
                return self.reply(200, {"version": faults.get("version", "1.0.0"), "cluster": config["cluster"],
                                        "address": config["address"], "generation": config["generation"]})
            if key == "GET /system/functions": return self.reply(200, [self.shown(f) for f in functions.values()])
            if path.startswith("/system/function/"):
                name = path.split("/")[-1] + "." + self.path.split("namespace=")[1]
                if name not in functions: return self.fail(404, "There is no such function.")
                return self.reply(200, self.shown(functions[name]))
            if key == "PUT /system/functions":
                wanted = json.loads(body)
                name = wanted["name"] + "." + wanted["namespace"]
                old = functions.get(name)
                same = old and old["wanted"] == wanted
                version = (old["version"] if same else old["version"] + 1) if old else 1
                functions[name] = {"wanted": wanted, "version": version}
                self.save()
                if key in faults.get("lost", []):
                    self.close_connection = True
                    return self.connection.shutdown(2)
                return self.reply(200 if same else 202 if old else 201, {"version": version})
            if key == "DELETE /system/functions":
                wanted = json.loads(body)
                name = wanted["functionName"] + "." + wanted["namespace"]
                if functions.pop(name, None) is None: return self.fail(404, "There is no such function.")
                self.save()
                return self.reply(202, {"result": "deleted"})
            if path.startswith("/function/"): return self.reply(200, faults.get("answer", {"greeting": "hi", "n": 1}))
            self.fail(404, "There is nothing at this path.")
        do_GET = do_PUT = do_POST = do_DELETE = handle_any
        def save(self):
            with open(catalog, "w") as file: json.dump(functions, file)
        def shown(self, function):
            wanted, state = function["wanted"], mode().get("state", "ready")
            return {"name": wanted["name"], "namespace": wanted["namespace"], "runtime": wanted["runtime"],
                    "handler": wanted.get("handler", ""), "command": wanted.get("command", []),
                    "alwaysOn": wanted["alwaysOn"], "scale": wanted["scale"],
                    "limits": {"outputBytes": 1048576, **wanted["limits"]}, "env": wanted["env"],
                    "secretDigests": {k: v["digest"] for k, v in wanted["secrets"].items()},
                    "sourceDigest": tree_digest(wanted["files"]), "annotations": wanted["annotations"],
                    "version": function["version"], "state": state, "ready": state == "ready",
                    "lastError": "ImportError: no module named hello" if state == "crash-loop" else None}

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    try: server = Server((config["host"], config["port"]), Handler)
    except OSError as error: sys.exit("cannot listen: " + str(error))
    start = open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]
    with open(data + "/hub.pid.new", "w") as file:
        json.dump({"pid": os.getpid(), "startTime": int(start), "port": config["port"]}, file)
    os.rename(data + "/hub.pid.new", data + "/hub.pid")
    def stop(*_):
        if not mode().get("stubborn"): os._exit(0)
    signal.signal(signal.SIGTERM, stop)
    print("listening", flush=True)
    server.serve_forever()
    """#
