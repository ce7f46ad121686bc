"""What the tests' images run: an HTTP server on $PORT that tells what it was asked."""
import http.server, json, os, signal, sys, threading, time

started = time.time()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        plain = self.path.split("?")[0]
        if plain == "/_ready":
            return self.say(404, {})
        if plain == "/_/ready":
            # "late" is not ready at first; all others do not know this path.
            late = "late" in sys.argv and time.time() < started + 0.5
            return self.say(503 if late else 404, {})
        if plain == "/die":
            os._exit(3)
        if plain == "/sleep":
            time.sleep(float(body or 600))
        print("call", self.path, flush=True)
        if plain == "/stream":
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number in range(3):
                data = b"piece %d\n" % number
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
                while number == 0 and body and not os.path.exists(body):
                    time.sleep(0.01)
            return self.wfile.write(b"0\r\n\r\n")
        self.say(201 if plain == "/made" else 200, {
            "method": self.command, "path": self.path, "body": body, "pid": os.getpid(), "arguments": sys.argv[1:],
            "greeting": os.environ.get("GREETING"), "key": os.environ.get("KEY"), "user": os.getuid(),
            "header": self.headers.get("X-Test"), "token": self.headers.get("Authorization"),
            "env": sorted(name for name in os.environ if name.startswith("OSIRIS_"))})

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do

    def log_message(self, *words):
        pass

    def say(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-App", "yes")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def stop(*_):
    print("stopping", flush=True)
    os._exit(7)


signal.signal(signal.SIGTERM, stop)
print("starting", flush=True)
print("to stderr", file=sys.stderr, flush=True)
if "broken" in sys.argv:
    sys.exit("no database")
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
