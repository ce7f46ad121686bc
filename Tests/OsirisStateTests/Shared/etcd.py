"""A cluster of etcd for tests: etcd.py FOLDER [secure]. Tells ports and pids in one line; ends with its standard input.

Secure: TLS, client certificates, and a user `osiris` who may touch nothing but keys under `edge/`.
"""
import base64, json, os, random, signal, socket, ssl, subprocess, sys, time, urllib.request

folder, secure = sys.argv[1], len(sys.argv) > 2
os.makedirs(folder, exist_ok=True)


def openssl(*words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_certificates():
    with open(folder + "/extensions", "w") as file:
        file.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    for ca in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=" + ca, "-keyout", ca + ".key", "-out", ca + ".pem")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=" + name,
                "-keyout", name + ".key", "-out", name + ".csr")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "extensions", "-out", name + ".pem")


claims = []


def free_ports(count):
    """Below those the system gives to connections and to whoever asks for any, in a range that no other tests use."""
    ports = []
    for port in random.sample(range(30_000, 32_768), 2_000):
        # A name that this process has until its end, so that no other cluster of these tests takes the same.
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind("\0osiris-etcd-%d" % port)
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
            continue
        claims.append(claim)
        ports.append(port)
        if len(ports) == count:
            return ports
    raise SystemExit("no ports are free for etcd")


def start():
    scheme = "https" if secure else "http"
    ports = free_ports(6)
    peers = ",".join(f"m{n}=http://127.0.0.1:{ports[n + 3]}" for n in range(3))
    members = []
    for n in range(3):
        client, peer = f"{scheme}://127.0.0.1:{ports[n]}", f"http://127.0.0.1:{ports[n + 3]}"
        words = ["etcd", "--name", f"m{n}", "--data-dir", f"{folder}/m{n}", "--initial-cluster", peers,
                 "--listen-client-urls", client, "--advertise-client-urls", client, "--log-level", "error",
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        if secure:
            words += ["--cert-file", folder + "/server.pem", "--key-file", folder + "/server.key",
                      "--client-cert-auth", "--trusted-ca-file", folder + "/ca.pem"]
        log = open(f"{folder}/m{n}.log", "wb")
        members.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    return scheme, ports[:3], members


def post(url, path, body, context, token=None):
    headers = {"Authorization": token} if token else {}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        return json.load(answer)


def wait_until_ready(url, context):
    while all(each.poll() is None for each in members):
        try:
            return post(url, "/v3/kv/range", {"key": "eA=="}, context)
        except OSError:
            time.sleep(0.05)
    raise SystemExit("etcd does not start; see " + folder)


def enable_users(url, context):
    def text(key):
        return base64.b64encode(key.encode()).decode()

    post(url, "/v3/auth/user/add", {"name": "root", "password": "root"}, context)
    post(url, "/v3/auth/role/add", {"name": "root"}, context)
    post(url, "/v3/auth/user/grant", {"user": "root", "role": "root"}, context)
    post(url, "/v3/auth/user/add", {"name": "osiris", "password": "CANARY:pass"}, context)
    post(url, "/v3/auth/role/add", {"name": "edge"}, context)
    post(url, "/v3/auth/role/grant", {"name": "edge", "perm": {
        "permType": "READWRITE", "key": text("edge/"), "range_end": text("edge0")}}, context)
    post(url, "/v3/auth/user/grant", {"user": "osiris", "role": "edge"}, context)
    post(url, "/v3/auth/enable", {}, context)


if secure:
    make_certificates()
scheme, ports, members = start()
try:
    context = None
    if secure:
        context = ssl.create_default_context(cafile=folder + "/ca.pem")
        context.load_cert_chain(folder + "/client.pem", folder + "/client.key")
    for port in ports:
        wait_until_ready(f"{scheme}://127.0.0.1:{port}", context)
    if secure:
        enable_users(f"{scheme}://127.0.0.1:{ports[0]}", context)
    print(json.dumps({"ports": ports, "pids": [each.pid for each in members]}), flush=True)
    for line in sys.stdin:
        # Every token of the user ends with a change of the password.
        root = post(f"{scheme}://127.0.0.1:{ports[0]}", "/v3/auth/authenticate",
                    {"name": "root", "password": "root"}, context)["token"]
        post(f"{scheme}://127.0.0.1:{ports[0]}", "/v3/auth/user/changepw",
             {"name": "osiris", "password": "CANARY:pass"}, context, root)
        print("{}", flush=True)
finally:
    for each in members:
        each.kill()
        each.wait()
