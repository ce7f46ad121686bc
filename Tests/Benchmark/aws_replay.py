"""A world that stands still, between a program and a front of moto, so that the program's own time is seen.

`record` hands calls on and keeps each with its answer; `replay` answers those at once, after the time that is added to each
call, and hands on what it does not know. Two calls are the same if their bodies are. Signatures are checked while a record is
made, and not after. `bare` sends the recorded calls again, all at once and each over a line of its own, reads the answers and
does nothing with them: no program can be done sooner.
"""

import http.client
import http.server
import socketserver
import threading
import time


class Replay:
    """One for each world. `port` is where programs find it; `calls` is what it was asked since the last `record` or `replay`,
    and `unknown` how many of them it had no answer for."""

    def __init__(self, upstream):
        self.upstream, self.kept, self.lock = upstream, {}, threading.Lock()
        self.record()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.replay = self
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def record(self):
        self.delay, self.calls, self.unknown = None, 0, 0

    def replay(self, delay):
        """From now on, with milliseconds for each call."""
        self.delay, self.calls, self.unknown = delay / 1000, 0, 0

    def bare(self, port):
        """Seconds until all recorded calls are answered: by the front, whose port it is, or from the record."""
        threads = [threading.Thread(target=Line(port).send, args=call) for call, _ in self.kept.values()]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - start

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Line:
    """A connection that sends calls as they were signed."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def send(self, method, path, headers, body):
        """Status, headers and body of the answer."""
        self.connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            self.connection.putheader(name, value)
        self.connection.endheaders(body)
        answer = self.connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    line = None

    def log_message(self, *words):
        pass

    def do_POST(self):
        replay = self.server.replay
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = (self.command, self.path, self.headers.items(), body)
        name = (self.path, self.headers.get("X-Amz-Target"), body)
        with replay.lock:
            replay.calls += 1
            known = replay.kept.get(name) if replay.delay is not None else None
            replay.unknown += replay.delay is not None and known is None
        if known:
            time.sleep(replay.delay)
            status, headers, text = known[1]
        else:
            self.line = self.line or Line(replay.upstream)
            status, headers, text = self.line.send(*call)
            if replay.delay is None:
                with replay.lock:
                    replay.kept[name] = (call, (status, headers, text))
        self.send_response_only(status)
        for header, value in headers:
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(text)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512
