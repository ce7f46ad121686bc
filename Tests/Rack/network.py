"""The rack's bridges, and the line between them and this machine.

This machine's end of the line has the gateway's address. It is a pair of virtual cards, or two ends of a long line when
a round-trip time is asked for.
"""
import os
import subprocess

from trees import run

HERE = os.path.dirname(os.path.abspath(__file__))


def free():
    """The number of the first free network of 198.18.0.0/16; 198.19.0.0/16 has the inner one beside it."""
    taken = run("ip", "-o", "link", stdout=subprocess.PIPE).stdout + run("ip", "-o", "address", stdout=subprocess.PIPE).stdout
    for number in range(256):
        if f" rack{number}:" not in taken and f" 198.18.{number}." not in taken:
            return number
    raise RuntimeError("every network of 198.18.0.0/16 is taken; `rack.py down` removes those of old racks")


def make(rack):
    bridge = rack.data["bridge"]
    for name in (bridge, bridge + "i"):
        run("ip", "link", "add", name, "type", "bridge")
        # The bridge itself stays silent: this machine answers at the end of the line only.
        with open(f"/proc/sys/net/ipv4/conf/{name}/arp_ignore", "w") as file:
            file.write("1")
        run("ip", "link", "set", name, "up")
    line(rack, 0)


def line(rack, microseconds):
    """Makes the line to the bridge anew, with this round-trip time."""
    bridge = rack.data["bridge"]
    here, there = bridge + "c", bridge + "p"
    cut(rack)
    if microseconds:
        # Its own copy: `down` knows the process by this path.
        program = rack.path("delay")
        if not os.path.exists(program):
            run("cc", "-O2", "-o", program, os.path.join(HERE, "delay.c"))
        process = subprocess.Popen(
            [program, here, there, str(microseconds // 2)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            start_new_session=True)
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("no line with a delay: is there a /dev/net/tun?")
        rack.data["delay"] = process.pid
        for name in (here, there):
            run("ip", "link", "set", name, "txqueuelen", "20000")
    else:
        run("ip", "link", "add", here, "type", "veth", "peer", "name", there)
    run("ip", "link", "set", here, "address", f"02:12:ff:{rack.data['network']:02x}:00:01")
    run("ip", "address", "add", rack.data["gateway"] + "/24", "dev", here)
    run("ip", "link", "set", there, "master", bridge, "up")
    run("ip", "link", "set", here, "up")
    rack.data["rtt"] = microseconds
    rack.save()


def cut(rack):
    import power
    pid = rack.data.pop("delay", None)
    if pid in power.leftovers(rack.folder):
        power.kill([pid])
    for name in ("c", "p"):
        subprocess.run(["ip", "link", "delete", rack.data["bridge"] + name], check=False, stderr=subprocess.DEVNULL)


def remove(rack):
    cut(rack)
    for name in (rack.data["bridge"], rack.data["bridge"] + "i"):
        subprocess.run(["ip", "link", "delete", name], check=False, stderr=subprocess.DEVNULL)
