"""AWS for tests, whose instances are the hosts of a rack: moto behind the front of aws.py, with the addresses and the host
keys of real hosts in its answers. Argument: rack.json. Ends with its standard input.

Each new instance is the next host that no instance was before. One with the trait `cloud` boots then, with the instance's user
data, and its console is the host's own; the others are up, and their host keys stand in a console as cloud-init writes them.
"""
import base64, json, os, re, subprocess, sys, threading, xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../ProviderTests/AWS"))
import aws
from moto.ec2 import ec2_backends

rack = json.load(open(sys.argv[1]))
free, taken = list(rack["hosts"]), {}
lock = threading.Lock()


def host(instance):
    """The host that an instance is; boots it if it is the first to ask."""
    with lock:
        if instance not in taken and free:
            taken[instance] = free.pop(0)
            if "cloud" in taken[instance].get("traits", []):
                launch(taken[instance]["name"], found(instance))
        return taken.get(instance)


def found(instance):
    return next(other for backends in ec2_backends.values() for backend in backends.values()
                for other in backend.all_instances() if other.id == instance)


def launch(name, instance):
    words = [sys.executable, os.path.join(os.path.dirname(__file__), "rack.py"), "launch", "--folder", rack["folder"]]
    words += ["--index", str(instance.ami_launch_index), name]
    subprocess.run(words, input=base64.b64decode(str(instance.user_data or "")), check=True)


def console(instance):
    lines = [line.split(" ", 1) for line in open(rack["knownHosts"]) if " " in line]
    found = host(instance)
    if "cloud" in found.get("traits", []):
        with open(os.path.join(rack["folder"], found["name"], "console"), errors="replace") as file:
            return file.read()[-65536:]
    keys = "".join(keys for names, keys in lines if found["address"] in names.split(","))
    return f"[ OK ] Reached target\r\n-----BEGIN SSH HOST KEY KEYS-----\r\n{keys}-----END SSH HOST KEY KEYS-----\r\n"


class Handler(aws.Handler):
    def answer(self, status, body, headers=()):
        text = body if isinstance(body, str) else body.decode()
        if status == 200 and "<instanceId>" in text:
            text = self.real(text)
        super().answer(status, text, headers)

    def real(self, text):
        namespace = re.search(r'xmlns="([^"]+)"', text).group(1)
        ElementTree.register_namespace("", namespace)
        root = ElementTree.fromstring(text)
        for item in root.iter():
            instance = item.find(f"{{{namespace}}}instanceId")
            if instance is None:
                continue
            shown = item.find(f"{{{namespace}}}ipAddress")
            if shown is not None:
                shown.text = host(instance.text)["address"]
            output = item.find(f"{{{namespace}}}output")
            if output is not None:
                output.text = base64.b64encode(console(instance.text).encode()).decode()
        return ElementTree.tostring(root, encoding="unicode")


if __name__ == "__main__":
    aws.Handler = Handler
    print(json.dumps({"port": aws.start().server_port}), flush=True)
    sys.stdin.read()
