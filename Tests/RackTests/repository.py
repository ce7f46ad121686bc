"""A signed package repository for hosts: repository.py ADDRESS:PACKAGES:FOLDER

Serves the packages of a rack at ADDRESS as a flat repository that apt reads, twice: `/new` is signed by the key in
FOLDER/new.asc, `/old` by the one in FOLDER/old.asc. Prints its port; ends with its standard input.
"""
import functools
import gzip
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

address, packages, folder = sys.argv[1].split(":", 2)


def sign(name, home, root):
    """Makes a key, a release that it has signed, and the key's file."""
    def gpg(*words):
        return subprocess.run(["gpg", "--homedir", home, "--batch", "--quiet", "--yes", *words], check=True, capture_output=True).stdout

    gpg("--passphrase", "", "--quick-generate-key", f"{name} <{name}@rack.example>", "ed25519", "sign", "never")
    os.makedirs(f"{root}/{name}")
    for file in os.listdir(packages):
        if file.endswith(".deb"):
            os.symlink(f"{packages}/{file}", f"{root}/{name}/{file}")
    with gzip.open(f"{packages}/Packages.gz") as file:
        index = file.read()
    with open(f"{root}/{name}/Packages", "wb") as file:
        file.write(index)
    date = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime())
    release = f"Origin: {name}\nDate: {date}\nSHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
    with open(f"{home}/release", "w") as file:
        file.write(release)
    gpg("--local-user", f"{name}@rack.example", "--clearsign", "--output", f"{root}/{name}/InRelease", f"{home}/release")
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{name}.asc", "wb") as file:
        file.write(gpg("--armor", "--export", f"{name}@rack.example"))


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as home:
    for name in ("old", "new"):
        sign(name, home, root)
    # Its agent would stay.
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
    server = http.server.ThreadingHTTPServer((address, 0), functools.partial(Handler, directory=root))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    sys.stdin.read()
