"""The work: what every client does, as scripts for those that run scripts and as files for those that have modules."""
import hashlib
import io
import json
import os
import tarfile

UNIT = """\
[Unit]
Description=Stands in for the hub
[Service]
ExecStart=/usr/bin/python3 /usr/local/lib/stand-in.py
ExecStopPost=/bin/rm -f /run/bench
[Install]
WantedBy=multi-user.target
"""
FACTS = """\
. /etc/os-release; echo "os=$ID$VERSION_ID"; echo "arch=$(uname -m)"; echo "kernel=$(uname -r)"
echo "memory=$(sed -n 's/^MemTotal: *//p' /proc/meminfo)"; echo "disk=$(df -Pk /var/lib | tail -1)"
echo "cpus=$(nproc)"; echo "init=$(cat /proc/1/comm)"; echo "ssh=$(systemctl is-active ssh)"
"""
HEALTH = "systemctl is-active --quiet bench && test -s /run/bench"
SIZE = 20_000_000


def files(folder):
    """Writes what a host gets below `folder`; paths on the host with the files here."""
    made = {}
    contents = {f"/var/lib/bench/{name}.conf": f"# {name}\n" + f"{name}=1\n" * 50 for name in ("hub", "tokens", "alerts")}
    contents["/etc/systemd/system/bench.service"] = UNIT
    for path, text in contents.items():
        made[path] = os.path.join(folder, os.path.basename(path))
        with open(made[path], "w") as file:
            file.write(text)
    made["/var/lib/bench/image.tar"] = os.path.join(folder, "image.tar")
    with open(made["/var/lib/bench/image.tar"], "wb") as file:
        file.write(os.urandom(SIZE))
    return made


def payload(made, path):
    """All files in one archive, to be unpacked from a command's input."""
    with tarfile.open(path, "w") as archive:
        for target, source in made.items():
            with open(source, "rb") as file:
                data = file.read()
            entry = tarfile.TarInfo(target.lstrip("/"))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def sums(made):
    lines = []
    for target, source in made.items():
        with open(source, "rb") as file:
            lines.append(hashlib.file_digest(file, "sha256").hexdigest() + "  " + target)
    return "\n".join(lines)


def check(made):
    """Prints "todo" when a host is not as it should be."""
    return f"sudo -n sh -c 'echo \"{sums(made)}\" | sha256sum -c --status 2>/dev/null && {HEALTH} || echo todo'"


def change(made):
    return (f"sudo -n sh -c 'set -e; mkdir -p /var/lib/bench; tar -xf - -C /; echo \"{sums(made)}\" | sha256sum -c --status;"
            f" systemctl daemon-reload; systemctl enable --quiet --now bench; until {HEALTH}; do sleep 0.05; done'")


# Of every client.
UNDO = """\
systemctl disable --quiet --now bench osiris-hub 2>/dev/null
rm -rf /var/lib/bench /var/lib/bench-images /var/lib/osiris /run/bench
rm -f /etc/systemd/system/bench.service /etc/systemd/system/osiris-hub.service
systemctl daemon-reload
"""


def image(path):
    """An image archive of the same size, in the form of `docker save`; nothing in it is of any use."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    name = "blobs/sha256/" + hashlib.sha256(config).hexdigest()
    manifest = json.dumps([{"Config": name, "RepoTags": ["localhost/bench:1"], "Layers": ["layer"]}]).encode()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for file, data in (("manifest.json", manifest), (name, config), ("layer", os.urandom(SIZE))):
            entry = tarfile.TarInfo(file)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
