"""The Debian tree that hosts are made of, layers with an engine on top of it, and a package repository in a folder.

All are made once and kept. A host's own tree is an overlay over them.
"""
import contextlib
import fcntl
import gzip
import hashlib
import os
import shutil
import subprocess
import sys

BASE = ["systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "opendoas", "iproute2", "ca-certificates"]
# Engines come from the repository: into a layer for hosts that have one from the start, or by the host's own apt-get.
# Of the two OCI runtimes only runc is offered: crun needs rights that a container does not have.
ENGINES = {"podman": ["podman", "runc", "catatonit"], "docker": ["docker.io", "tini"]}
# A machine of a cloud gets its engine at its first start.
LAYERS = ENGINES | {"cloud": ["cloud-init"]}
REPOSITORY = "/srv/packages"
SUITE = "bookworm"


def run(*words, **options):
    return subprocess.run(words, check=True, text=True, **options)


def trees(cache, more=()):
    """A folder with `base`, `packages` and a folder for each layer that somebody wanted; `more` packages are in `base`. Makes what is missing."""
    recipe = f"2 {SUITE} {BASE} {LAYERS} {sorted(more)}"
    folder = os.path.join(os.path.abspath(cache), "trees-" + hashlib.sha256(recipe.encode()).hexdigest()[:12])
    os.makedirs(folder, exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(folder + "/base"):
            print(f"making a Debian tree in {folder}; it takes a minute", file=sys.stderr)
            base(folder, BASE + list(more))
    return folder


def layer(folder, name):
    """The folder that laid over `base` gives a tree with this engine, or with cloud-init; made if it is not there."""
    path = f"{folder}/{name}"
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            print(f"installing {name} into {path}", file=sys.stderr)
            install(folder, LAYERS[name], path)
    return path


def base(folder, packages):
    """Makes `base` and `packages`; needs a Debian mirror, once."""
    beside, debs = f"{folder}/base.new", f"{folder}/packages.new"
    for path in (beside, debs):
        shutil.rmtree(path, ignore_errors=True)
    os.makedirs(debs)
    engines = " ".join(sorted(package for list in LAYERS.values() for package in list))
    run("mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(packages),
        f"--customize-hook=chroot \"$1\" apt-get -qq -y install --download-only --no-install-recommends {engines}",
        f"--customize-hook=cp \"$1\"/var/cache/apt/archives/*.deb {debs}/",
        "--customize-hook=rm -f \"$1\"/etc/ssh/ssh_host_* \"$1\"/etc/machine-id \"$1\"/etc/hostname \"$1\"/etc/resolv.conf",
        "--customize-hook=chroot \"$1\" useradd -m -s /bin/bash ops", "--format=directory", SUITE, beside)
    index(debs)

    def write(path, text):
        with open(beside + path, "w") as file:
            file.write(text)

    write("/etc/apt/sources.list", f"deb [trusted=yes] file:{REPOSITORY} ./\n")
    write("/etc/dpkg/dpkg.cfg.d/rack", "force-unsafe-io\n")
    write("/etc/default/locale", "LANG=C.UTF-8\n")
    os.rename(debs, f"{folder}/packages")
    os.rename(beside, f"{folder}/base")


def index(folder):
    """Makes a folder of packages a repository that apt reads by `file:`."""
    entries = []
    for name in sorted(os.listdir(folder)):
        with open(f"{folder}/{name}", "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        fields = run("dpkg-deb", "--field", f"{folder}/{name}", stdout=subprocess.PIPE).stdout
        size = os.path.getsize(f"{folder}/{name}")
        entries.append(f"{fields}Filename: ./{name}\nSize: {size}\nSHA256: {digest}\n")
    with gzip.open(f"{folder}/Packages.gz", "wt") as file:
        file.write("\n".join(entries))


def install(folder, packages, upper):
    beside, work, root = upper + ".new", upper + ".work", upper + ".root"
    for path in (beside, work, root):
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
    with contextlib.ExitStack() as undo:
        mount(root, [f"{folder}/base"], beside, work)
        undo.callback(run, "umount", "--recursive", root)
        os.makedirs(root + REPOSITORY)
        run("mount", "--bind", f"{folder}/packages", root + REPOSITORY)
        run("mount", "-t", "proc", "proc", root + "/proc")
        with open(root + "/usr/sbin/policy-rc.d", "w") as file:
            file.write("#!/bin/sh\nexit 101\n")
        os.chmod(file.name, 0o755)
        quiet = {"stdout": subprocess.DEVNULL, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        run("chroot", root, "apt-get", "-qq", "update", **quiet)
        run("chroot", root, "apt-get", "-qq", "-y", "install", "--no-install-recommends", *packages, **quiet)
        run("chroot", root, "apt-get", "clean", **quiet)
        os.remove(file.name)
    for path in (work, root):
        shutil.rmtree(path)
    os.rename(beside, upper)


def mount(root, lower, upper, work):
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={':'.join(lower)},upperdir={upper},workdir={work}", root)
