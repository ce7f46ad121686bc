"""A registry with one image, for the engines of a rack: GET alone, as in the distribution specification
(https://github.com/opencontainers/distribution-spec). Argument: ADDRESS. The image is the archive OSIRIS_HUB_ARCHIVE, as of
`docker save`. Writes its reference on standard output, and ends with its standard input.
"""
import hashlib, http.server, json, os, sys, tarfile, threading

KINDS = "application/vnd.docker."


def blob(data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return digest


blobs = {}
with tarfile.open(os.environ["OSIRIS_HUB_ARCHIVE"]) as archive:
    image = json.load(archive.extractfile("manifest.json"))[0]
    config = archive.extractfile(image["Config"]).read()
    layers = [archive.extractfile(name).read() for name in image["Layers"]]
manifest = json.dumps({
    "schemaVersion": 2, "mediaType": KINDS + "distribution.manifest.v2+json",
    "config": {"mediaType": KINDS + "container.image.v1+json", "size": len(config), "digest": blob(config)},
    "layers": [{"mediaType": KINDS + "image.rootfs.diff.tar", "size": len(layer), "digest": blob(layer)} for layer in layers],
}).encode()
name = blob(manifest)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        data = b"{}" if self.path == "/v2/" else blobs.get(self.path.rsplit("/", 1)[-1])
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.send_header("Content-Type", KINDS + "distribution.manifest.v2+json" if data is manifest else "application/octet-stream")
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data or b"")

    do_HEAD = do_GET

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer((sys.argv[1], 5000), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"reference": f"{sys.argv[1]}:5000/osiris-hub@{name}"}), flush=True)
sys.stdin.read()
