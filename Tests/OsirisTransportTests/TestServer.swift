/// Python's HTTP server on a loopback port or a Unix socket, with the faults the tests ask for.
final class TestServer: Sendable {
    let base: String
    private let program: PythonProgram
    var socket: String { program.folder + "/socket" }

    private static let script = """
        import http.server, json, os, socket, socketserver, sys, threading, time
        connections = [0]; requests = [0]; closed = []; lock = threading.Lock()
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *words): pass
            def address_string(self): return "local"
            def setup(self):
                with lock: connections[0] += 1
                self.served = 0
                super().setup()
            def answer(self, status, body, headers=()):
                self.send_response(status)
                for name, value in headers: self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD": self.wfile.write(body)
            def serve(self):
                with lock: requests[0] += 1
                self.served += 1
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                path = self.path.split("?")[0]
                if path == "/echo":
                    text = json.dumps({"method": self.command, "path": self.path, "body": body.decode("latin-1"),
                                       "headers": [[n.lower(), v] for n, v in self.headers.items()]})
                    self.answer(201, text.encode(), [("X-Twice", "a"), ("X-Twice", "b")])
                elif path == "/raw": self.answer(200, body)
                elif path == "/big": self.answer(200, b"x" * int(self.path.split("?")[1]))
                elif path == "/stats":
                    self.answer(200, json.dumps({"connections": connections[0], "requests": requests[0],
                                                 "closed": closed}).encode())
                elif path == "/redirect": self.answer(302, b"", [("Location", "/echo")])
                elif path == "/half":
                    self.send_response(200); self.send_header("Content-Length", "1000"); self.end_headers()
                    self.wfile.write(b"half"); self.wfile.flush(); self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                elif path == "/fresh" and self.served == 1: self.answer(200, body)
                elif path in ("/nothing", "/fresh"):
                    self.connection.shutdown(socket.SHUT_RDWR); self.close_connection = True
                elif path == "/never": threading.Event().wait()
                elif path == "/endless":
                    self.send_response(200); self.send_header("Content-Length", str(1 << 40)); self.end_headers()
                    try:
                        while True: self.wfile.write(b"y" * 1000); time.sleep(0.01)
                    except OSError:
                        with lock: closed.append(self.path)
                        self.close_connection = True
            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = serve
        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True; request_queue_size = 512
        class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            def get_request(self):
                request, _ = super().get_request(); return request, ("local", 0)
        folder = sys.argv[1]
        threading.Thread(target=UnixServer(folder + "/socket", Handler).serve_forever, daemon=True).start()
        server = Server(("127.0.0.1", 0), Handler)
        open(folder + "/port.new", "w").write(str(server.server_port)); os.rename(folder + "/port.new", folder + "/port")
        server.serve_forever()
        """

    init() async throws {
        program = try PythonProgram(Self.script)
        base = "http://127.0.0.1:\(try await program.text(of: "port"))"
    }
}
