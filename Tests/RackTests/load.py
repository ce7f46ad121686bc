"""Calls a function on hosts in turn until its input ends: load.py RATE PATH HOST:PORT... with the token in TOKEN.

A caller goes on to the next host when one does not take the call: no connection, or 503 with no word of the function. Prints
one line of JSON: `calls`; `moved`, that a host did not take; `broken`, that ended without an answer after they were sent;
`failed`, that no host answered well.
"""
import collections
import http.client
import itertools
import json
import os
import sys
import threading
import time

rate, path, hosts = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
THREADS = 8
end = threading.Event()
counts, reasons, lock = collections.Counter(), collections.Counter(), threading.Lock()
headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json", "Connection": "close"}


def call(order):
    for host in order:
        connection = http.client.HTTPConnection(host, timeout=15)
        try:
            connection.connect()
        except OSError:
            yield "moved", host + " refuses connections"
            continue
        begun, sent = time.time(), None
        try:
            connection.request("POST", path, b'{"name": "Ada"}', headers)
            sent = time.time()
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            # For the one who reads the hub's journal.
            at = time.strftime("%H:%M:%S", time.gmtime(begun)) + f"{begun % 1:.3f}"[1:]
            after = "never" if sent is None else f"after {sent - begun:.3f} s"
            yield "broken", f"{host}: {error!r}, connected at {at}, sent {after}, ended after {time.time() - begun:.3f} s"
            continue
        finally:
            connection.close()
        if answer.status == 200:
            return
        yield "moved" if answer.status == 503 else "refused", f"{host}: {answer.status} {body[:200]!r}"
    yield "failed", "no host"


def caller(number):
    following = time.monotonic() + number / rate
    for turn in itertools.count(number):
        if end.wait(max(0, following - time.monotonic())):
            return
        following += THREADS / rate
        first = turn % len(hosts)
        found = list(call(hosts[first:] + hosts[:first]))
        with lock:
            counts["calls"] += 1
            for kind, reason in found:
                counts[kind] += 1
                reasons[kind + " " + reason] += 1


threads = [threading.Thread(target=caller, args=[number]) for number in range(THREADS)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.read()
end.set()
for thread in threads:
    thread.join()
print(json.dumps({kind: counts[kind] for kind in ("calls", "moved", "broken", "refused", "failed")}
                 | {"reasons": dict(reasons.most_common(10))}))
