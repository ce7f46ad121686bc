"""Compares osiris with Terraform on AWS, as moto plays it: `make bench-aws`.

    aws.py OSIRIS [--sizes 10,50,200] [--delay 0,50] [--terraform PROGRAM] [--plugins FOLDER]

For each number of instances: apply from empty, a plan with nothing to do, one changed tag (on everything, planned and
applied), destroy. The same objects for both: a VPC, two subnets, a gateway, a route table with its associations, a security
group, a key pair, the instances. Both call the same front of moto (Tests/ProviderTests/AWS/aws.py), which checks signatures
and parameters, counts calls by action, and adds milliseconds to each call if it is told to.

Calls are the front's count. Wall is of the whole program; CPU and memory are of its processes together, Terraform's plugins
included, sampled from /proc; the front's own work is in the wall of both, as it has one lock. Terraform runs if it is
installed and finds its AWS provider, in --plugins or where `terraform init` looks; if not, that is said and osiris runs
alone.

moto needs most of the time of a plan with nothing to do. So it is run twice more: beside the floor, which is the calls of
osiris sent again by a client that does nothing else (aws_replay.py), and with answers from a record, as if the cloud took no
time but what is added to each call. Plans of osiris are the median of three runs, in turns with the floor.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import botocore.session

from aws_replay import Replay

FRONT = pathlib.Path(__file__).resolve().parent.parent / "ProviderTests/AWS/aws.py"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJOhdOsqwbxhbJ9XQgQb6wPvbxsbUWl4LRsWIyeBCOhj ops"
IMAGE = "ami-12c6146b"  # one of moto's own

MANIFEST = """\
apiVersion: osiris.dev/v1
kind: Cluster
metadata: {{name: bench}}
spec:
  targets:
    - name: fleet
      provider: aws
      region: us-east-1
      network: {{cidr: 10.20.0.0/16, subnets: 2}}
      machines: {{count: {count}, type: t3.small, image: {image}}}
      access: {{ssh: {{from: [203.0.113.0/24], publicKey: ops.pub}}, hub: {{from: [0.0.0.0/0]}}}}
      tags: {{team: {team}}}
"""

TERRAFORM = """\
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region = "us-east-1"
  default_tags {{ tags = {{ team = "{team}" }} }}
}}
resource "aws_vpc" "main" {{
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = true
}}
resource "aws_subnet" "main" {{
  count                   = 2
  vpc_id                  = aws_vpc.main.id
  cidr_block              = "10.20.${{count.index * 16}}.0/20"
  availability_zone       = "us-east-1${{element(["a", "b"], count.index)}}"
  map_public_ip_on_launch = true
}}
resource "aws_internet_gateway" "main" {{ vpc_id = aws_vpc.main.id }}
resource "aws_route_table" "main" {{
  vpc_id = aws_vpc.main.id
  route {{
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }}
}}
resource "aws_route_table_association" "main" {{
  count          = 2
  route_table_id = aws_route_table.main.id
  subnet_id      = aws_subnet.main[count.index].id
}}
resource "aws_security_group" "main" {{
  vpc_id = aws_vpc.main.id
  ingress {{
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["203.0.113.0/24"]
  }}
  ingress {{
    from_port   = 8080
    to_port     = 8080
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }}
}}
resource "aws_key_pair" "main" {{ public_key = "{key}" }}
resource "aws_instance" "machine" {{
  count                  = {count}
  ami                    = "{image}"
  instance_type          = "t3.small"
  subnet_id              = aws_subnet.main[count.index % 2].id
  vpc_security_group_ids = [aws_security_group.main.id]
  key_name               = aws_key_pair.main.key_name
  metadata_options {{ http_tokens = "required" }}
}}
"""


class Front:
    """moto, with an account for each run."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, FRONT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.number = 100_000_000_000

    def account(self, delay):
        """A new one. moto makes what each account has from the start with its first call, so that is made here."""
        self.number += 1
        botocore.session.get_session().create_client(
            "ec2", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=f"AKID{self.number}", aws_secret_access_key=f"CANARY-AKID{self.number}").describe_vpcs()
        self.tell(delay=delay / 1000)

    def tell(self, **settings):
        url = f"http://127.0.0.1:{self.port}/_front/{self.number}"
        with urllib.request.urlopen(urllib.request.Request(url, data=json.dumps(settings).encode())) as answer:
            return json.load(answer)

    def environment(self, home, port):
        return {
            "PATH": os.environ["PATH"], "HOME": str(home), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": f"AKID{self.number}", "AWS_SECRET_ACCESS_KEY": f"CANARY-AKID{self.number}",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1",
            **{name: os.environ[name] for name in ("TF_CLI_CONFIG_FILE",) if name in os.environ}}


def tree(pid):
    """A process and those that it began, in their turn too: CPU seconds and resident MiB of each."""
    found, waiting = {}, [pid]
    while waiting:
        one = waiting.pop()
        try:
            with open(f"/proc/{one}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            for thread in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{thread}/children") as file:
                    waiting += map(int, file.read().split())
        except OSError:
            continue
        found[one] = (
            (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    return found


def highest(pid):
    """The most resident MiB that one process had since its program began."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


class Run:
    """One run of a program: exit code, output, wall and CPU seconds, peak memory in MiB, calls by action. It finds AWS at
    the front, or at a replay between."""

    def __init__(self, front, arguments, folder, replay=None):
        before = front.tell()["calls"]
        start = time.monotonic()
        with open(folder / "out", "w+b") as out:
            process = subprocess.Popen(
                [str(word) for word in arguments], cwd=folder, env=front.environment(folder, (replay or front).port),
                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            ended = threading.Event()
            sampler = threading.Thread(target=self.sample, args=(process.pid, ended))
            sampler.start()
            _, status, usage = os.wait4(process.pid, 0)
            self.wall = time.monotonic() - start
            ended.set()
            sampler.join()
            process.returncode = self.status = os.waitstatus_to_exitcode(status)
            out.seek(0)
            self.output = out.read().decode(errors="replace")
        # What the program waited for is in its own usage; a plugin that it did not wait for is in the samples only. The
        # usage's peak of memory is no use: it begins with that of this program, before the other one took its place.
        self.cpu = max(usage.ru_utime + usage.ru_stime, self.sampled)
        after = front.tell()["calls"]
        self.calls = {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}

    def sample(self, pid, ended):
        self.peak, cpu = 0, {}
        while not ended.wait(0.02):
            processes = tree(pid)
            self.peak = max(self.peak, sum(memory for _, memory in processes.values()), highest(pid))
            cpu.update({one: seconds for one, (seconds, _) in processes.items()})
        self.sampled = sum(cpu.values())


class Osiris:
    name = "osiris"
    turns = 3
    hasFloor = True

    def __init__(self, program, count):
        self.program, self.count = program, count

    def write(self, folder, team):
        (folder / "ops.pub").write_text(KEY + "\n")
        (folder / "cluster.yaml").write_text(MANIFEST.format(count=self.count, image=IMAGE, team=team))

    def prepare(self, front, folder):
        self.write(folder, "edge")

    apply = ["apply", "--auto-approve"]
    plan = ["plan", "--detailed-exitcode"]
    destroy = ["destroy", "--auto-approve"]


class Terraform(Osiris):
    name = "terraform"
    turns = 1
    # It asks for much after it has answers to other calls, so all at once is no floor of it.
    hasFloor = False

    def __init__(self, program, count, plugins):
        super().__init__(program, count)
        self.plugins = plugins

    def write(self, folder, team):
        (folder / "main.tf").write_text(TERRAFORM.format(count=self.count, image=IMAGE, team=team, key=KEY))

    def prepare(self, front, folder):
        self.write(folder, "edge")
        run = Run(front, [self.program, "init", "-no-color"]
                  + ([f"-plugin-dir={self.plugins}"] if self.plugins else []), folder)
        if run.status:
            raise RuntimeError(run.output.strip().splitlines()[-1] if run.output.strip() else "terraform init failed")

    apply = ["apply", "-auto-approve", "-no-color"]
    plan = ["plan", "-detailed-exitcode", "-no-color"]
    destroy = ["destroy", "-auto-approve", "-no-color"]


def life(front, tool, delay, details):
    """Runs a tool through its phases and prints a row for each."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        front.account(delay)
        tool.prepare(front, folder)
        for phase in ("apply", "plan, nothing to do", "one changed tag", "destroy"):
            if phase == "one changed tag":
                tool.write(folder, "core")
            if phase == "plan, nothing to do":
                plans(front, tool, delay, folder, details)
                continue
            run = finish(front, tool, tool.destroy if phase == "destroy" else tool.apply, phase, folder)
            show(tool, delay, phase, run, sum(run.calls.values()), details)


def finish(front, tool, words, phase, folder, replay=None):
    run = Run(front, [tool.program, *words], folder, replay)
    if run.status:
        print(run.output[-2000:], file=sys.stderr)
        raise SystemExit(f"{tool.name}: {phase} of {tool.count} ended with status {run.status}")
    return run


def show(tool, delay, phase, run, calls, details=False):
    print(f"| {tool.count} | {delay} ms | {phase} | {tool.name} | {calls} | {run.wall:.2f} s "
          f"| {run.cpu:.2f} s | {run.peak:.0f} MiB |", flush=True)
    if details:
        print("  " + ", ".join(f"{count} {name}" for name, count in sorted(run.calls.items())), flush=True)


def plans(front, tool, delay, folder, details):
    """Plans with nothing to do: by moto, with the floor of osiris beside them, and from a record."""
    replay = Replay(front.port)
    try:
        def plan(replay=None):
            return finish(front, tool, tool.plan, "plan", folder, replay)

        def middle(runs):
            return sorted(runs, key=lambda run: run.wall)[len(runs) // 2]

        def floor(seconds, wall):
            middle = statistics.median(seconds)
            print(f"| {tool.count} | {delay} ms | its calls alone | floor | {len(replay.kept)} | {middle:.2f} s | | |\n"
                  f"  {tool.name} takes {wall / middle:.2f} times as long", flush=True)

        plan(replay)
        turns = [(plan(), replay.bare(front.port) if tool.hasFloor else 0) for _ in range(tool.turns)]
        run = middle([run for run, _ in turns])
        show(tool, delay, "plan, nothing to do", run, sum(run.calls.values()), details)
        if tool.hasFloor:
            floor([seconds for _, seconds in turns], run.wall)
        turns = []
        for _ in range(tool.turns):
            replay.replay(delay)
            run = plan(replay)
            calls, unknown = replay.calls, replay.unknown
            turns.append((run, replay.bare(replay.port) if tool.hasFloor else 0))
        run = middle([run for run, _ in turns])
        show(tool, delay, "the same from a record" + (f" ({unknown} calls not)" if unknown else ""), run, calls)
        if tool.hasFloor:
            floor([seconds for _, seconds in turns], run.wall)
    finally:
        replay.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("osiris", type=pathlib.Path)
    parser.add_argument("--sizes", default="10,50,200")
    parser.add_argument("--delay", default="0,50")
    parser.add_argument("--terraform", default=shutil.which("terraform"))
    parser.add_argument("--plugins", type=pathlib.Path, default=os.environ.get("TF_PLUGIN_DIR"))
    parser.add_argument("--calls", action="store_true", help="list the calls of each phase by action")
    options = parser.parse_args()
    front = Front()
    hasTerraform = bool(options.terraform)
    if not hasTerraform:
        print("terraform is not installed: osiris alone")
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print("| instances | added to each call | | | calls | wall | CPU | memory |\n|---|---|---|---|---|---|---|---|")
    for delay in map(int, options.delay.split(",")):
        for count in map(int, options.sizes.split(",")):
            life(front, Osiris(options.osiris.resolve(), count), delay, options.calls)
            if hasTerraform:
                try:
                    life(front, Terraform(options.terraform, count, options.plugins), delay, options.calls)
                except RuntimeError as error:
                    hasTerraform = False
                    print(f"terraform cannot run here: {error}")


main()
