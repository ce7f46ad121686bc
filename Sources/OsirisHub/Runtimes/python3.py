"""Runs one Osiris function: `python3 -u -B python3.py module.function`, or without a name, to be told it later.

The hub sends calls as HTTP/1.1 over descriptor 0 and reads answers from descriptor 1, one at a time. First comes a line
of JSON that says whether the handler could be imported. docs/hub.md has the rules of parameters and answers.
"""
import errno, http.client, http.server, importlib, inspect, io, json, os, re, select, signal, sys, threading, time, types
# Not when it is needed: a function that hoards files leaves none to import it with.
import traceback, urllib.parse

MOST_BODY = 8 * 1048576
MOST_MESSAGE = 60_000
# The hub bounds both before; what it lets through must not end this process.
http.client._MAXHEADERS, http.client._MAXLINE = 10_000, 1048576
# Both are moved away before any user code runs, so `print` goes to the log.
requests = os.fdopen(os.dup(0), "rb")
answers = os.fdopen(os.dup(1), "wb")
null = os.open(os.devnull, os.O_RDONLY)
os.dup2(null, 0)
os.dup2(2, 1)
os.close(null)


class Response:
    """An answer with a status and headers; the body is anything that a handler may return."""

    def __init__(self, body=None, status=200, headers=()):
        self.body, self.status, self.headers = body, status, headers


class Refused(Exception):
    """The request cannot be given to the handler: status, code, message."""


class Body(io.RawIOBase):
    """The body of one request as it comes; `length` is None when it comes in chunks (RFC 9112, section 7.1)."""

    def __init__(self, length):
        self.chunked, self.left, self.over = length is None, length or 0, length == 0

    def readable(self):
        return True

    def readinto(self, target):
        if self.chunked and not self.left and not self.over:
            self.left = int(requests.readline(), 16)
            self.over = not self.left
            if self.over and [line for line in iter(requests.readline, b"\r\n") if line.startswith(b"Osiris-Aborted")]:
                raise ConnectionAbortedError("The caller went away before the whole body was there.")
        data = b"" if self.over else requests.read1(min(len(target), self.left))
        self.left -= len(data)
        if data and not self.left:
            self.over = not self.chunked
            if self.chunked:
                requests.readline()
        target[: len(data)] = data
        return len(data)

    def drain(self):
        try:
            while self.readinto(bytearray(65536)):
                pass
        except ConnectionAbortedError:
            pass


class Request:
    """What a handler may know of its call: the parameter `context`, and with a body the parameter `request`."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path, _, self.query_string = target.partition("?")
        self.call_id, self.traceparent = headers["X-Call-Id"], headers["traceparent"]
        self.deadline = int(headers["X-Deadline"]) / 1000
        self.function, self.namespace = os.environ["OSIRIS_FUNCTION"], os.environ["OSIRIS_NAMESPACE"]
        self.version = int(headers["Osiris-Version"])
        for name in headers.keys():
            if name.lower().startswith("osiris-") or name.lower() == "transfer-encoding":
                del headers[name]

    @property
    def query(self):
        return urllib.parse.parse_qs(self.query_string, keep_blank_values=True)

    def remaining(self):
        return max(0.0, self.deadline - time.time())

    def text(self):
        return self.body.read().decode("utf-8")

    def json(self):
        return json.loads(self.text())


class Handler:
    """The function, and how a request becomes its parameters."""

    def __init__(self, name):
        module, _, function = name.rpartition(".")
        self.function = getattr(importlib.import_module(module), function)
        if not callable(self.function):
            raise TypeError("%s is not callable" % name)
        try:
            names = list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):
            names = []
        self.is_raw = names == ["request"]
        self.wants_context = "context" in names
        names = [name for name in names if name != "context"]
        self.is_whole = len(names) == 1 and names[0] in ("event", "input")

    def __call__(self, request):
        if self.is_raw:
            return self.function(request)
        value = self.input(request)
        positional, keyword = [], {}
        if isinstance(value, dict) and not self.is_whole:
            keyword = value
        elif isinstance(value, list) and not self.is_whole:
            positional = value
        elif value is not None or self.is_whole:
            positional = [value]
        if self.wants_context:
            request.body = None
            keyword["context"] = request
        return self.function(*positional, **keyword)

    def input(self, request):
        told = int(request.headers["Content-Length"] or 0)
        data = request.body.read(MOST_BODY + 1) if told <= MOST_BODY else None
        if data is None or len(data) > MOST_BODY:
            raise Refused(413, "request_too_large", "The request's body is longer than %d bytes." % MOST_BODY)
        if not data and request.query_string:
            return {name: values if len(values) > 1 else values[0] for name, values in request.query.items()}
        kind = (request.headers["Content-Type"] or "application/json").partition(";")[0].strip().lower()
        if data and kind.startswith("text/"):
            return data.decode("utf-8", "replace")
        # The second is what `curl -d` says of everything.
        if data and kind not in ("application/json", "application/x-www-form-urlencoded") and kind[-5:] != "+json":
            return data
        try:
            return json.loads(data.decode("utf-8"), parse_constant=refuse) if data.strip() else {}
        except (ValueError, RecursionError):
            raise Refused(400, "bad_request", "The body is not a JSON document in UTF-8.") from None


def refuse(constant):
    raise ValueError("%s is not JSON" % constant)


def dump(value):
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def encode(item, response=None):
    """The bytes of a body, or of one item of a stream where there is no response, and their type."""
    kind = dict((name.lower(), value) for name, value in fields(response)).get("content-type", "") if response else ""
    if isinstance(item, (bytes, bytearray, memoryview)):
        return bytes(item), "application/octet-stream"
    if isinstance(item, str) and (not response or kind and "json" not in kind):
        return item.encode("utf-8"), "text/plain; charset=utf-8"
    return (dump(item), "application/json") if response else (dump(item) + b"\n", "application/x-ndjson")


def fields(response):
    """The headers of a response as pairs."""
    pairs = response.headers.items() if hasattr(response.headers, "items") else response.headers
    for name, value in pairs:
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or name.lower().startswith("osiris-"):
                raise ValueError("%r is not a header that a function may send" % name)
            one = str(one)
            if re.search("[\r\n\0]", one):
                raise ValueError("the header %s has a line break or a NUL in its value" % name)
            if len(one) > 16384 or not all(ord(letter) < 256 for letter in one):
                raise ValueError("the header %s is too long, or has letters beyond Latin-1" % name)
            yield name, one


def full():
    try:
        threading.Thread(target=int).start()
        return False
    except RuntimeError:
        return True


def limit(error):
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MemoryError):
        return "memory"
    if number == errno.EMFILE:
        return "openFiles"
    if number in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT):
        return "disk"
    # A socket without data says EAGAIN as well.
    if (number == errno.EAGAIN or isinstance(error, RuntimeError)) and full():
        return "processes"
    return None


def describe(error):
    kind = type(error).__name__
    try:
        text = str(error).encode("utf-8", "replace").decode()
    except Exception:
        text = ""
    # Not cut: the hub finds a secret in it only if the secret is whole.
    if len(dump(text)) > MOST_MESSAGE:
        text = "(a message of %d characters)" % len(text)
    return {"type": kind, "message": text or kind, "limit": limit(error)}


class Server(http.server.BaseHTTPRequestHandler):
    """Takes the hub's calls, one after the other."""

    protocol_version = "HTTP/1.1"
    # The hub sets and strips these; a function has no say in them.
    framing = {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}

    def __init__(self, handler):
        self.rfile, self.wfile, self.handler, self.own = requests, answers, handler, os.getpid()
        self.close_connection = False

    def log_message(self, *words):
        """The hub counts calls."""

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.call
        raise AttributeError(name)

    def call(self):
        body = Body(None if self.headers["Transfer-Encoding"] else int(self.headers["Content-Length"] or 0))
        told = self.headers["Osiris-Content-Length"]
        if told:
            self.headers["Content-Length"] = told
        # Not `path`, whose leading slashes were made one.
        target = self.requestline.split(" ")[1]
        request = Request(self.command, target, self.headers, io.BufferedReader(body, 65536))
        self.id, self.begun = request.call_id, False
        os.write(2, b"\x1eosiris call %s\n" % self.id.encode())
        try:
            result = self.handler(request)
            if hasattr(result, "__await__") or hasattr(getattr(result, "body", result), "__anext__"):
                import asyncio

                asyncio.run(self.answer_async(result))
            else:
                self.answer(result)
        except Refused as error:
            self.fail(error.args[0], error.args[1], {"type": "Refused", "message": error.args[2]})
        except BaseException as error:
            traceback.print_exc()
            self.fail(500, "function_error", describe(error))
        self.wfile.flush()
        body.drain()

    def answer(self, result):
        stream = self.begin(result)
        for item in stream or ():
            self.item(item)
        if stream is not None:
            self.end()

    async def answer_async(self, result):
        if hasattr(result, "__await__"):
            result = await result
        if not hasattr(getattr(result, "body", result), "__anext__"):
            return self.answer(result)
        async for item in self.begin(result):
            self.item(item)
        self.end()

    def begin(self, result):
        """Sends an answer that is there as a whole; of any other it returns the stream."""
        self.response = result if isinstance(result, Response) else Response(result)
        body = self.response.body
        if hasattr(body, "__next__") or hasattr(body, "__anext__"):
            return body
        data, kind = encode(body, self.response)
        if self.response is result and body is None:
            data, kind = b"", None
        self.head(kind, len(data))
        self.mark()
        if self.has_body:
            self.wfile.write(data)
        return None

    def item(self, item):
        data, kind = encode(item)
        self.begun or self.head(kind, None)
        if data and self.has_body:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

    def end(self, trailer=b""):
        self.begun or self.head("application/octet-stream", None)
        self.mark()
        if self.has_body:
            self.wfile.write(b"0\r\n%s\r\n" % trailer)

    def head(self, kind, length):
        status = self.response.status
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise ValueError("%r is not a status that a function may send" % (status,))
        pairs = [(name, value) for name, value in fields(self.response) if name.lower() not in self.framing]
        self.send_head(status, pairs, kind, length)

    def send_head(self, status, pairs, kind, length):
        if os.getpid() != self.own:
            # The handler forked and its child came back; the answer is not the child's to give.
            os._exit(1)
        self.has_body = self.command != "HEAD" and status not in (204, 304)
        if kind and not any(name.lower() == "content-type" for name, _ in pairs):
            pairs = pairs + [("Content-Type", kind)]
        if status != 204:
            pairs = pairs + [("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))]
        self.begun = True
        self.send_response_only(status)
        for name, value in pairs:
            self.send_header(name, value)
        self.end_headers()

    def fail(self, status, code, error):
        if self.begun:
            # What went out cannot be taken back; the hub must not take it for the whole.
            return self.end(b"Osiris-Error: %s\r\n" % code.encode())
        data = dump(error)
        self.send_head(status, [("Osiris-Error", code)], "application/json", len(data))
        self.mark()
        if self.has_body:
            self.wfile.write(data)

    def mark(self):
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        os.write(2, b"\x1eosiris end %s\n" % self.id.encode())


def watch():
    """Ends everything when the hub is gone, even while a handler runs."""
    poll = select.poll()
    poll.register(requests, 0)
    poll.poll()
    end()


def end():
    try:
        os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(0)


def say(line):
    answers.write(dump(line) + b"\n")
    answers.flush()


def take():
    """Waits for the function, in an interpreter that was started before there was one for it."""
    say({"warm": True})
    line = requests.readline()
    if not line:
        os._exit(0)
    load = json.loads(line)["load"]
    os.environ.update(load["env"])
    sys.argv.append(load["handler"])
    # The function's folders were empty or not there when modules were looked for in them.
    sys.path_importer_cache.clear()
    fits = not shadows("vendor")
    say({"taken": fits})
    fits or os._exit(0)


def shadows(folder):
    """True if modules in it would have stood in for those that are loaded by now."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    loaded = {name.partition(".")[0] for name in sys.modules} | {"sitecustomize", "usercustomize"}
    return any(name.partition(".")[0] in loaded for name in names)


def main():
    if len(sys.argv) < 2:
        take()
    sys.path[0] = os.getcwd()
    sys.modules["osiris"] = types.ModuleType("osiris", "What the hub gives to its functions.")
    sys.modules["osiris"].Response = Response
    try:
        server = Server(Handler(sys.argv[1]))
    except BaseException as error:
        traceback.print_exc()
        say({"ready": False, "error": describe(error)})
        sys.exit(1)
    threading.Thread(target=watch, daemon=True).start()
    say({"ready": True})
    while not server.close_connection:
        server.handle_one_request()
    end()


main()
