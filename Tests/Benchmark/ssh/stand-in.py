"""Stands in for a hub: answers what is asked of one that has just started. Argument: the hub's configuration, or nothing."""
import http.server
import json
import os
import sys

told = {"port": 8080, "generation": ""}
if len(sys.argv) > 1:
    with open(sys.argv[1]) as file:
        told = json.load(file)
with open("/usr/local/lib/stand-in.version") as file:
    info = json.dumps({"version": file.read().strip(), "generation": told["generation"]}).encode()


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(info)))
        self.end_headers()
        self.wfile.write(info)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("0.0.0.0", told["port"]), Answer)
with open("/run/bench", "w") as file:
    file.write(str(os.getpid()))
server.serve_forever()
