"""S3 for tests: moto behind a front that keeps connections, checks signatures, and makes the faults it is told to.

moto checks a condition and writes in two steps, so the front lets in one write at a time; and moto's own check of
signatures refuses listings even of boto3, so the front checks with botocore. Ends with its standard input.

POST /_faults/PREFIX takes {"next": [...], "ignoresConditions": bool, "shift": seconds} for the keys edge/PREFIX/…: each of
`next` is for one PUT and either a status with a code ("503 SlowDown"), "lose" (do it, give no answer) or "drop" (do not do
it, give no answer). It tells how many connections and requests there were for these keys.
"""
import collections, email.utils, hashlib, http.server, json, socket, socketserver, sys, threading, time

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

ACCESS_KEY, SECRET_KEY, TOKEN = "AKIDOSIRIS", "CANARY-secret", "CANARY-token"
service = Client(DomainDispatcherApplication(create_backend_app))
lock = threading.Lock()


class Faults:
    def __init__(self):
        self.next, self.ignoresConditions, self.shift = [], False, 0
        self.connections, self.requests = set(), 0


faults = collections.defaultdict(Faults)


def signature_fault(handler, body):
    headers = {name.lower(): value for name, value in handler.headers.items()}
    authorization = headers.get("authorization", "")
    fields = dict(word.strip(",").split("=", 1) for word in authorization.split()[1:])
    signed = fields.get("SignedHeaders", "").split(";")
    if fields.get("Credential", "").split("/")[0] != ACCESS_KEY:
        return "InvalidAccessKeyId"
    if headers.get("x-amz-security-token", TOKEN) != TOKEN:
        return "InvalidToken"
    if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed):
        return "AccessDenied"
    if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    request = AWSRequest(handler.command, "http://" + headers["host"] + handler.path, data=body,
                         headers={name: headers[name] for name in signed})
    request.context["timestamp"] = headers["x-amz-date"]
    signer = S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if signer.signature(text, request) != fields.get("Signature"):
        return "SignatureDoesNotMatch"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *words):
        pass

    @property
    def faults(self):
        """Of /_faults/PREFIX and /BUCKET/edge/PREFIX/KEY."""
        words = self.path.split("/")
        return faults[words[2] if words[1] == "_faults" else (words + [""] * 3)[3]]

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(time.time() + self.faults.shift, usegmt=True)

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("date", "server", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, code):
        self.answer(status, f"<Error><Code>{code}</Code></Error>".encode(), [("Content-Type", "application/xml")])

    def hang_up(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        faults = self.faults
        if self.path.startswith("/_faults/"):
            vars(faults).update(json.loads(body))
            counts = {"connections": len(faults.connections), "requests": faults.requests}
            return self.answer(200, json.dumps(counts).encode())
        faults.requests += 1
        faults.connections.add(self.client_address)
        code = signature_fault(self, body)
        if code:
            return self.refuse(403, code)
        with lock:
            fault = faults.next.pop(0) if self.command == "PUT" and faults.next else None
            if fault == "drop":
                return self.hang_up()
            if fault and fault != "lose":
                status, code = fault.split()
                return self.refuse(int(status), code)
            headers = [(name, value) for name, value in self.headers.items() if not (
                faults.ignoresConditions and name.lower() in ("if-match", "if-none-match"))]
            response = service.open(self.path, method=self.command, headers=headers, data=body)
            if fault == "lose":
                return self.hang_up()
        self.answer(response.status_code, response.get_data(), list(response.headers.items()))

    do_GET = do_PUT = do_POST = do_DELETE = serve


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
service.open("/edge", method="PUT", headers={"Host": "s3.amazonaws.com"})
print(json.dumps({"port": server.server_port}), flush=True)
sys.stdin.read()
