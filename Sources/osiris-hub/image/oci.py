"""Makes an image archive of one layer without an engine: oci.py TREE.tar NAME:VERSION EPOCH ARCHIVE

It is an OCI layout (https://github.com/opencontainers/image-spec/blob/main/image-layout.md) that has a `manifest.json` too
(https://github.com/moby/docker-image-spec), as `docker save` writes it: every podman and docker can load it. Equal
arguments make an equal image.
"""
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import time

# The user is that of a container which nobody gave another one. `/data` is its own; a folder mounted there must be, too.
# As process 1, tini takes care of what functions leave behind when they end.
CONFIG = {
    "User": "65532:65532",
    "ExposedPorts": {"8080/tcp": {}},
    "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
    "Entrypoint": ["tini", "--", "osiris-hub"],
    "Cmd": ["serve", "--data", "/data"],
    "Volumes": {"/data": {}},
    "StopSignal": "SIGTERM",
    # Docker's; podman leaves it out, where `--health-cmd` says the same.
    "Healthcheck": {"Test": ["CMD", "osiris-hub", "healthcheck", "--data", "/data"],
                    "Interval": 30 * 10**9, "Timeout": 10 * 10**9, "StartPeriod": 30 * 10**9},
}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Digested:
    """A file that knows the digest of what went into it."""

    def __init__(self, file):
        self.file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, data):
        self.digest.update(data)
        self.size += len(data)
        return self.file.write(data)

    def flush(self):
        self.file.flush()


def main():
    tree, name, epoch, path = sys.argv[1:]
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(epoch)))
    with open(tree, "rb") as source, open(tree + ".gz", "w+b") as target:
        packed = Digested(target)
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=packed, mtime=0) as archive:
            plain = Digested(archive)
            shutil.copyfileobj(source, plain, 1 << 20)
        layer = packed.digest.hexdigest(), packed.size
        title, _, version = name.rpartition("/")[2].rpartition(":")
        config = blob({
            "created": made, "architecture": ARCHITECTURES.get(os.uname().machine, os.uname().machine),
            "os": "linux",
            "config": CONFIG | {"Labels": {"org.opencontainers.image.title": title, "org.opencontainers.image.version": version}},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + plain.digest.hexdigest()]},
            "history": [{"created": made, "created_by": "osiris-hub/image/build.sh"}],
        })
        manifest = blob({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described("application/vnd.oci.image.config.v1+json", config),
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:" + layer[0], "size": layer[1]}],
        })
        index = described("application/vnd.oci.image.manifest.v1+json", manifest)
        index["annotations"] = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}
        small = {
            "oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode(),
            "index.json": json.dumps({"schemaVersion": 2, "manifests": [index]}).encode(),
            "manifest.json": json.dumps([{
                "Config": "blobs/sha256/" + config[0], "RepoTags": [name], "Layers": ["blobs/sha256/" + layer[0]]}]).encode(),
            "blobs/sha256/" + config[0]: config[1],
            "blobs/sha256/" + manifest[0]: manifest[1],
        }
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
            for file, data in small.items():
                archive.addfile(entry(file, len(data), int(epoch)), io.BytesIO(data))
            target.seek(0)
            archive.addfile(entry("blobs/sha256/" + layer[0], layer[1], int(epoch)), target)


def blob(value):
    data = json.dumps(value, separators=(",", ":")).encode()
    return hashlib.sha256(data).hexdigest(), data


def described(kind, blob):
    return {"mediaType": kind, "digest": "sha256:" + blob[0], "size": len(blob[1])}


def entry(name, size, epoch):
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, epoch, 0o644
    return info


main()
