"""Makes another image of an image archive: variant.py ARCHIVE LABEL NEW [ENTRYPOINT...]

The layer stays; the configuration gets a label, so that the image has another identity, and perhaps another entry point.
"""
import hashlib
import io
import json
import sys
import tarfile

archive, label, path, *entrypoint = sys.argv[1:]
with tarfile.open(archive) as old, tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as new:

    def read(name):
        return json.load(old.extractfile(name))

    def add(name, value):
        data = json.dumps(value).encode()
        info = tarfile.TarInfo(name or "blobs/sha256/" + hashlib.sha256(data).hexdigest())
        info.size = len(data)
        new.addfile(info, io.BytesIO(data))
        return "sha256:" + hashlib.sha256(data).hexdigest(), len(data)

    index, images = read("index.json"), read("manifest.json")
    manifest = read("blobs/sha256/" + index["manifests"][0]["digest"].split(":")[1])
    config = read("blobs/sha256/" + manifest["config"]["digest"].split(":")[1])
    config["config"]["Labels"]["variant"] = label
    if entrypoint:
        config["config"]["Entrypoint"] = entrypoint
    name = images[0]["RepoTags"][0] + "-" + label
    manifest["config"]["digest"], manifest["config"]["size"] = add(None, config)
    index["manifests"][0]["digest"], index["manifests"][0]["size"] = add(None, manifest)
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": name}
    images[0]["Config"], images[0]["RepoTags"] = "blobs/sha256/" + manifest["config"]["digest"].split(":")[1], [name]
    add("oci-layout", read("oci-layout"))
    add("index.json", index)
    add("manifest.json", images)
    layer = images[0]["Layers"][0]
    new.addfile(old.getmember(layer), old.extractfile(layer))
