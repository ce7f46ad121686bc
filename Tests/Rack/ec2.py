"""AWS for tests, whose instances are the hosts of a rack: moto behind the front of aws.py, with the addresses and the host
keys of real hosts in its answers. Argument: rack.json. Ends with its standard input.

Each new instance is the next host that no instance was before. Its host keys stand in its console, as cloud-init writes them.
"""
import base64, json, os, re, sys, threading, xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../ProviderTests/AWS"))
import aws

rack = json.load(open(sys.argv[1]))
free, taken = [host["address"] for host in rack["hosts"]], {}
lock = threading.Lock()


def address(instance):
    with lock:
        if instance not in taken and free:
            taken[instance] = free.pop(0)
        return taken.get(instance)


def console(instance):
    lines = [line.split(" ", 1) for line in open(rack["knownHosts"]) if " " in line]
    keys = "".join(keys for names, keys in lines if address(instance) in names.split(","))
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
                shown.text = address(instance.text)
            output = item.find(f"{{{namespace}}}output")
            if output is not None:
                output.text = base64.b64encode(console(instance.text).encode()).decode()
        return ElementTree.tostring(root, encoding="unicode")


if __name__ == "__main__":
    aws.Handler = Handler
    print(json.dumps({"port": aws.start().server_port}), flush=True)
    sys.stdin.read()
