"""AWS for tests: moto behind a front that keeps connections and is as strict as AWS where moto is not. Ends with its
standard input.

The front checks signatures with botocore's own implementation, and parameters and page sizes against botocore's description
of EC2. Each access key `AKID` + 12 digits is of the account with these digits, and its secret is `CANARY-` + the key, so
every test has an account of its own. Keys that STS, the instance metadata, the container endpoint or the SSO portal gave
out are known as well.

POST /_front/ACCOUNT takes JSON and keeps what it names:
  next: [{"on": ACTION or absent, "do": FAULT}], each for one call: "503 RequestLimitExceeded", perhaps with headers after it
        ("503 RequestLimitExceeded retry-after=2"), "lose" (do it, give no answer), "drop" (do not do it, give no answer);
        a list for "on" takes any of its actions
  limit: [BURST, PER SECOND] of each action, above which calls are throttled
  page: the most items on a page
  ended: access keys that have expired
  seconds: how long given keys serve
  delay: seconds that each call takes longer
  quotas: what GetServiceQuota answers, by code, instead of moto, which knows a few
  room: how many instances more there is capacity for; "quota": how many more the account may have
  policy: a file with an IAM policy; what it does not allow is refused to the account's `AKID` key, and only to that: the
        key `AKIR` + digits may do everything
It answers with counts: calls by `service:action`, refused ones by code, connections, and keys given by their source.
"""
import collections, datetime, hashlib, http.server, json, re, socket, socketserver, sys, threading, time
import urllib.parse, xml.etree.ElementTree as ElementTree

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

service = Client(DomainDispatcherApplication(create_backend_app))
ec2 = botocore.session.get_session().get_service_model("ec2")
lock = threading.Lock()
given = {}  # access key -> (secret, token, account)
tokens = {}  # (account, region, action, ClientToken) -> (parameters, answer); moto makes things anew each time


class Account:
    def __init__(self):
        self.next, self.limit, self.page, self.ended, self.seconds = [], None, None, [], 3600
        self.delay, self.policy = 0, None
        self.room, self.quota, self.quotas = None, None, {}
        self.calls, self.refused = collections.Counter(), collections.Counter()
        self.sources, self.connections = collections.Counter(), set()
        self.buckets = {}

    def take(self, action):
        """Whether a bucket has a token left."""
        if not self.limit:
            return True
        burst, rate = self.limit
        tokens, last = self.buckets.get(action, (burst, time.monotonic()))
        tokens = min(burst, tokens + (time.monotonic() - last) * rate)
        self.buckets[action] = (max(tokens - 1, 0) if tokens >= 1 else tokens, time.monotonic())
        return tokens >= 1

    def give(self, source, number):
        """New keys of an account, from where programs find them."""
        self.sources[source] += 1
        key = f"ASIA{number}{source}{self.sources[source]}"
        given[key] = ("CANARY-" + key, "CANARY-token-" + key, number)
        return key, *given[key][:2], datetime.datetime.fromtimestamp(time.time() + self.seconds, datetime.timezone.utc)

    def allows(self, action):
        """Whether the policy has the action, such as `ec2:RunInstances`."""
        if self.policy is None:
            return True
        with open(self.policy) as file:
            statements = json.load(file)["Statement"]
        return any(statement["Effect"] == "Allow" and action in statement["Action"] for statement in statements)

    def launch(self, parameters):
        """How many instances a RunInstances makes: as many as it may; moto would make the fewest."""
        least, most = int(parameters["MinCount"]), int(parameters["MaxCount"])
        if self.quota is not None and most > self.quota:
            raise Refusal(400, "VcpuLimitExceeded", "You have requested more vCPU capacity than your current limit.")
        if self.room is not None and least > self.room:
            raise Refusal(500, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity.")
        count = most if self.room is None else min(most, self.room)
        self.room = None if self.room is None else self.room - count
        self.quota = None if self.quota is None else self.quota - count
        return str(count)

    def fault(self, action):
        for fault in self.next:
            on = fault.get("on")
            if on is None or action == on or isinstance(on, list) and action in on:
                self.next.remove(fault)
                return fault["do"]


accounts = collections.defaultdict(Account)


class Refusal(Exception):
    def __init__(self, status, code, message="refused by the front", headers=()):
        self.status, self.code, self.message, self.headers = status, code, message, headers


class Verifier(SigV4Auth):
    def headers_to_sign(self, request):
        return request.headers


def caller(handler, body):
    """The account, service and region of a signed request."""
    headers = {name.lower(): value for name, value in handler.headers.items()}
    fields = dict(word.strip(",").split("=", 1) for word in headers.get("authorization", "").split()[1:])
    key, _, region, name, _ = (fields.get("Credential", "") + "/////").split("/")[:5]
    secret, token, account = given.get(key, (None, None, None))
    if secret is None and re.fullmatch(r"AKI[DR]\d{12}", key):
        secret, account = "CANARY-" + key, key[4:]
    if secret is None:
        raise Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials " + key)
    if headers.get("x-amz-security-token") != token:
        raise Refusal(401, "AuthFailure", "the token is not of this key")
    if key in accounts[account].ended:
        raise Refusal(400, "RequestExpired", "Request has expired.")
    signed = fields.get("SignedHeaders", "").split(";")
    needed = {"host", "x-amz-date", "content-type"} | ({"x-amz-security-token"} if token else set())
    if not needed <= set(signed):
        raise Refusal(401, "AuthFailure", "not signed: " + " ".join(needed - set(signed)))
    if headers.get("x-amz-content-sha256", hashlib.sha256(body).hexdigest()) != hashlib.sha256(body).hexdigest():
        raise Refusal(400, "InvalidSignatureException", "the body is another")
    now = datetime.datetime.now(datetime.timezone.utc)
    if abs(datetime.datetime.strptime(headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z") - now).total_seconds() > 300:
        raise Refusal(400, "RequestExpired", "Request has expired.")
    request = AWSRequest(handler.command, "http://" + headers["host"] + handler.path, data=body,
                         headers={name: headers[name] for name in signed})
    request.context["timestamp"] = headers["x-amz-date"]
    verifier = Verifier(Credentials(key, secret), name, region)
    canonical = verifier.canonical_request(request)
    if verifier.signature(verifier.string_to_sign(request, canonical), request) != fields.get("Signature"):
        # AWS shows the canonical request as well, and with it the session's token.
        raise Refusal(403, "SignatureDoesNotMatch", "The Canonical String should have been " + canonical)
    if key.startswith("AKID") and not accounts[account].allows(f"{name}:{action_of(handler, body)}"):
        raise Refusal(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
    return account, name, region


def action_of(handler, body):
    target = handler.headers.get("X-Amz-Target")
    return target.split(".")[-1] if target else dict(urllib.parse.parse_qsl(body.decode())).get("Action", "")


def wire_name(name, shape):
    serialization = shape.serialization
    if "queryName" in serialization:
        return serialization["queryName"]
    location = serialization.get("name", name)
    return location[0].upper() + location[1:]


def check(shape, words):
    """Whether a parameter's name, in its parts, is one of the shape's."""
    if shape.type_name == "structure":
        if not words:
            return False
        found = [member for name, member in shape.members.items() if wire_name(name, member) == words[0]]
        return bool(found) and check(found[0], words[1:])
    if shape.type_name == "list":
        return bool(words) and words[0].isdigit() and int(words[0]) > 0 and check(shape.member, words[1:])
    return not words


def check_parameters(action, parameters):
    if action not in ec2.operation_names:
        raise Refusal(400, "InvalidAction", f"The action {action} is not valid for this web service.")
    shape = ec2.operation_model(action).input_shape
    for name in parameters:
        if not check(shape, name.split(".")):
            raise Refusal(400, "UnknownParameter", f"The parameter {name} is not recognized")
    for name in shape.required_members:
        wire = wire_name(name, shape.members[name])
        if not any(given == wire or given.startswith(wire + ".") for given in parameters):
            raise Refusal(400, "MissingParameter", f"The request must contain the parameter {wire}")
    size = parameters.get("MaxResults")
    if size is not None:
        limits = shape.members["MaxResults"].metadata
        if not limits.get("min", 5) <= int(size) <= limits.get("max", 1000):
            raise Refusal(400, "InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid.")
        if any(re.fullmatch(r"\w*Id\.\d+", name) for name in parameters):
            raise Refusal(400, "InvalidParameterCombination", "MaxResults goes with no ids")


def page(text, size, token):
    """One page of a listing, whose list is the first element that has items."""
    namespace = re.search(r'xmlns="([^"]+)"', text).group(1)
    ElementTree.register_namespace("", namespace)
    root = ElementTree.fromstring(text)
    whole = next((child for child in root if len(child)), None)
    if whole is None:
        return text
    start = int(token or 0)
    items = list(whole)
    for item in items[:start] + items[start + size:]:
        whole.remove(item)
    for old in root.findall(f"{{{namespace}}}nextToken"):
        root.remove(old)
    if start + size < len(items):
        ElementTree.SubElement(root, f"{{{namespace}}}nextToken").text = str(start + size)
    return ElementTree.tostring(root, encoding="unicode")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *words):
        pass

    def answer(self, status, body, headers=()):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("date", "server", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        words = self.path.split("?")[0].strip("/").split("/")
        places = {"_front": self.front, "_imds": self.metadata, "_container": self.container, "_sso": self.portal}
        try:
            if words[0] in places:
                return places[words[0]](words[1], "/".join(words[2:]), body)
            self.call(body)
        except Refusal as refusal:
            self.refuse(refusal)

    do_GET = do_PUT = do_POST = serve

    def refuse(self, refusal):
        if self.headers.get("X-Amz-Target"):
            body = json.dumps({"__type": "com.amazonaws#" + refusal.code, "message": refusal.message})
            return self.answer(refusal.status, body, refusal.headers)
        code, message = (f"<{tag}>{text}</{tag}>" for tag, text in
                         (("Code", refusal.code), ("Message", refusal.message.replace("&", "&amp;").replace("<", "&lt;"))))
        self.answer(refusal.status, f"<Response><Errors><Error>{code}{message}</Error></Errors>"
                    "<RequestID>11111111-2222-3333-4444-555555555555</RequestID></Response>", refusal.headers)

    def front(self, number, rest, body):
        with lock:
            account = accounts[number]
            vars(account).update(json.loads(body))
            self.answer(200, json.dumps({
                "calls": account.calls, "refused": account.refused, "sources": account.sources,
                "connections": len(account.connections)}))

    def metadata(self, number, path, body):
        """http://…/_imds/ACCOUNT as AWS_EC2_METADATA_SERVICE_ENDPOINT."""
        if path == "latest/api/token":
            valid = self.command == "PUT" and self.headers.get("x-aws-ec2-metadata-token-ttl-seconds")
            return self.answer(200 if valid else 400, "CANARY-imds")
        if self.headers.get("x-aws-ec2-metadata-token") != "CANARY-imds":
            return self.answer(401, "")
        if path == "latest/meta-data/iam/security-credentials":
            return self.answer(200, "instance-role")
        self.keys(number, "IMDS", Code="Success")

    def container(self, number, path, body):
        if self.headers.get("Authorization") != "CANARY-container":
            return self.answer(403, "CANARY")
        self.keys(number, "CONTAINER")

    def keys(self, number, source, **more):
        with lock:
            key, secret, token, until = accounts[number].give(source, number)
        self.answer(200, json.dumps({"AccessKeyId": key, "SecretAccessKey": secret, "Token": token,
                                     "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"), **more}))

    def portal(self, number, path, body):
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2]))
        if self.headers.get("x-amz-sso_bearer_token") != "CANARY-sso" or query.get("role_name") != "admin":
            return self.answer(401, '{"message": "CANARY"}')
        with lock:
            key, secret, token, until = accounts[query["account_id"]].give("SSO", query["account_id"])
        self.answer(200, json.dumps({"roleCredentials": {
            "accessKeyId": key, "secretAccessKey": secret, "sessionToken": token,
            "expiration": int(until.timestamp() * 1000)}}))

    def call(self, body):
        target = self.headers.get("X-Amz-Target")
        parameters = {} if target else dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        action = action_of(self, body)
        parameters.pop("Action", None)
        version = parameters.pop("Version", None)
        if action == "AssumeRoleWithWebIdentity" and "Authorization" not in self.headers:
            number, name, region = parameters.get("RoleArn", ":::::").split(":")[4], "sts", "us-east-1"
        else:
            try:
                number, name, region = caller(self, body)
            except Refusal as refusal:
                key = re.search(r"Credential=AKI[DR](\d{12})/", self.headers.get("Authorization", ""))
                if key:
                    accounts[key.group(1)].refused[refusal.code] += 1
                raise
        if accounts[number].delay:
            time.sleep(accounts[number].delay)
        with lock:
            account = accounts[number]
            account.connections.add(self.client_address)
            account.calls[f"{name}:{action}"] += 1
            fault = account.fault(action)
            if fault == "drop":
                return self.hang_up()
            if fault and fault != "lose":
                status, code, *headers = fault.split()
                account.refused[code] += 1
                raise Refusal(int(status), code, headers=[header.split("=") for header in headers])
            if not account.take(action):
                account.refused["RequestLimitExceeded"] += 1
                raise Refusal(503, "RequestLimitExceeded", "Request limit exceeded.")
            listing = None
            if name == "ec2":
                try:
                    check_parameters(action, parameters)
                except Refusal as refusal:
                    account.refused[refusal.code] += 1
                    raise
                listing = int(parameters.pop("MaxResults", 0))
                token = parameters.pop("NextToken", None)
                if listing or token:
                    body = urllib.parse.urlencode(
                        {"Action": action, "Version": version, **parameters}).encode()
            headers = [(key, value) for key, value in self.headers.items() if key.lower() not in ("host", "content-length")]
            headers += [("Host", f"{name}.{region}.amazonaws.com"), ("x-moto-account-id", number)]
            once = (number, region, action, parameters["ClientToken"]) if "ClientToken" in parameters else None
            same, response = tokens.get(once, (parameters, None))
            if same != parameters:
                account.refused["IdempotentParameterMismatch"] += 1
                raise Refusal(400, "IdempotentParameterMismatch", "the token was of another request")
            code = json.loads(body).get("QuotaCode") if action == "GetServiceQuota" else None
            if code in account.quotas:
                return self.answer(200, json.dumps({"Quota": {"QuotaCode": code, "Value": account.quotas[code]}}))
            if not response and action == "RunInstances" and "DryRun" not in parameters:
                try:
                    count = account.launch(parameters)
                except Refusal as refusal:
                    account.refused[refusal.code] += 1
                    raise
                body = urllib.parse.urlencode(
                    {"Action": action, "Version": version, **parameters, "MinCount": count}).encode()
            response = response or service.open(self.path, method=self.command, headers=headers, data=body)
            text = response.get_data()
            if once and response.status_code < 300:
                tokens[once] = (parameters, response)
            if response.status_code >= 400:
                code = re.search(rb"<Code>([^<]+)<|__type\": *\"(?:[^\"#]*#)?([^\"]+)", text)
                account.refused[(code[1] or code[2]).decode() if code else str(response.status_code)] += 1
            elif name == "sts" and action.startswith("AssumeRole"):
                fields = dict(re.findall(rb"<(AccessKeyId|SecretAccessKey|SessionToken)>([^<]+)<", text))
                role = parameters["RoleArn"].split(":")[4]
                given[fields[b"AccessKeyId"].decode()] = (
                    fields[b"SecretAccessKey"].decode(), fields[b"SessionToken"].decode(), role)
                accounts[role].sources[action] += 1
                until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + account.seconds))
                text = re.sub(rb"<Expiration>[^<]+<", f"<Expiration>{until}<".encode(), text)
            # Items inside each other are counted as well, so it may be on one page in spite of this.
            elif listing and (token or text.count(b"<item>") > min(listing, account.page or listing)):
                text = page(text.decode(), min(listing, account.page or listing), token)
            if fault == "lose":
                return self.hang_up()
        self.answer(response.status_code, text, list(response.headers.items()))


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512


def start(port=0):
    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    print(json.dumps({"port": start().server_port}), flush=True)
    sys.stdin.read()
