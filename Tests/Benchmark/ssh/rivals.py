"""The clients that are compared. Each makes ready once and then gives the command of each piece of work.

A command is a list of words; what is around it (sampling, counting) is the same for all.
"""
import os
import shlex
import shutil
import subprocess
import sys

import work

HERE = os.path.dirname(os.path.abspath(__file__))
FORKS = 64
# One release of each, so that a run can be repeated.
PYTHON = ["asyncssh==2.24.1", "pyinfra==3.10.0", "ansible-core==2.19.14"]


class Client:
    """`hosts` are addresses; `login` has user, identity and knownHosts; `made` are the files of the bootstrap."""

    name = ""

    def __init__(self, folder, login, made):
        self.folder, self.login, self.made = os.path.join(folder, self.name), login, made
        os.makedirs(self.folder, exist_ok=True)
        self.payload = os.path.join(folder, "payload.tar")
        self.environment = {}

    def command(self, piece, hosts):
        """The words that do "noop", "facts" or "bootstrap" on these hosts."""
        raise NotImplementedError

    def before(self, piece):
        """Makes ready for a turn; "again" is "bootstrap" once more."""

    def after(self):
        """Ends what a turn left running."""

    def list(self, hosts, line="{}"):
        return self.write("hosts", "".join(line.format(host) + "\n" for host in hosts))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def scripts(self, piece):
        """(what is asked, what is done when it says "todo")."""
        if piece == "bootstrap":
            return work.check(self.made), work.change(self.made)
        return {"noop": "true", "facts": work.FACTS}[piece], None


class Floor(Client):
    name = "floor"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.program = os.path.join(self.folder, "floor")
        subprocess.run(["cc", "-O2", "-o", self.program, HERE + "/floor.c", "-lssh2"], check=True)

    def command(self, piece, hosts):
        ask, do = self.scripts(piece)
        words = [self.program, self.login["user"], self.login["identity"], self.login["knownHosts"], self.list(hosts), ask]
        return words + ([do, self.payload] if do else [])


class OpenSSH(Client):
    name = "OpenSSH + xargs"

    def command(self, piece, hosts):
        ask, do = self.scripts(piece)
        ssh = shlex.join(["ssh", "-F", "none", "-i", self.login["identity"], "-o", f"UserKnownHostsFile={self.login['knownHosts']}",
                          "-o", "BatchMode=yes", "-l", self.login["user"]])
        text = f"#!/bin/sh\nanswer=$({ssh} \"$1\" {shlex.quote(ask)}) || exit 1\n"
        if do:
            text += f"[ \"$answer\" != todo ] || {ssh} \"$1\" {shlex.quote(do)} <{self.payload}\n"
        script = self.write("one", text)
        return ["xargs", "-a", self.list(hosts), "-P", str(FORKS), "-n", "1", "sh", script]


class AsyncSSH(Client):
    name = "asyncssh"

    def command(self, piece, hosts):
        ask, do = self.scripts(piece)
        words = [sys.executable, HERE + "/with_asyncssh.py", self.login["user"], self.login["identity"],
                 self.login["knownHosts"], self.list(hosts), ask]
        return words + ([do, self.payload] if do else [])


class Pyinfra(Client):
    name = "pyinfra"

    def command(self, piece, hosts):
        data = {"ssh_user": self.login["user"], "ssh_key": self.login["identity"],
                "ssh_known_hosts_file": self.login["knownHosts"], "ssh_strict_host_key_checking": "yes"}
        inventory = self.write("inventory.py", f"hosts = ({list(hosts)!r}, {data!r})\n")
        words = [os.path.dirname(sys.executable) + "/pyinfra", "-y", "--parallel", str(FORKS), inventory]
        if piece == "noop":
            return words + ["exec", "--", "true"]
        if piece == "facts":
            facts = ["server.LinuxDistribution", "server.Arch", "server.KernelVersion", "hardware.Memory", "server.Mounts",
                     "hardware.Cpus", "server.Kernel", "systemd.SystemdStatus"]
            return words + ["fact", *facts]
        puts = "".join(f"files.put(src={source!r}, dest={target!r}, _sudo=True)\n" for target, source in self.made.items())
        deploy = self.write("deploy.py", "from pyinfra.operations import files, server, systemd\n" + puts + (
            "systemd.service('bench', running=True, enabled=True, daemon_reload=True, _sudo=True)\n"
            f"server.shell({work.HEALTH!r}, _sudo=True)\n"))
        return words + [deploy]


class Ansible(Client):
    name = "Ansible"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.environment = {"ANSIBLE_CONFIG": os.path.join(self.folder, "ansible.cfg"), "LC_ALL": "C.UTF-8",
                            "ANSIBLE_HOME": os.path.join(self.folder, "home")}
        self.sockets = os.path.join(self.folder, "s")
        self.write("ansible.cfg", f"""\
[defaults]
forks = {FORKS}
gathering = explicit
interpreter_python = /usr/bin/python3
remote_user = {self.login["user"]}
private_key_file = {self.login["identity"]}
[ssh_connection]
pipelining = True
ssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={self.login["knownHosts"]}
control_path_dir = {self.sockets}
""")

    def command(self, piece, hosts):
        inventory = self.list(hosts)
        program = os.path.dirname(sys.executable) + "/ansible"
        if piece == "noop":
            return [program, "all", "-i", inventory, "-m", "raw", "-a", "true"]
        if piece == "facts":
            return [program, "all", "-i", inventory, "-m", "setup", "-a", "gather_subset=!all,!min,platform,distribution,hardware,service_mgr"]
        tasks = "".join(f"    - copy: {{src: {source}, dest: {target}, mode: '0644'}}\n"
                        for target, source in self.made.items())
        playbook = self.write("play.yaml", f"""\
- hosts: all
  become: true
  gather_facts: false
  tasks:
    - file: {{path: /var/lib/bench, state: directory}}
{tasks}    - systemd: {{name: bench, state: started, enabled: true, daemon_reload: true}}
    - command: sh -c '{work.HEALTH}'
      changed_when: false
""")
        return [program + "-playbook", "-i", inventory, playbook]

    def after(self):
        """Its shared connections stay for a minute: each turn begins without them."""
        for name in os.listdir(self.sockets) if os.path.isdir(self.sockets) else []:
            subprocess.run(["ssh", "-F", "none", "-o", f"ControlPath={self.sockets}/{name}", "-O", "exit", "x"],
                           capture_output=True, check=False)


class Osiris(Client):
    name = "osiris"
    program = ""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        work.image(os.path.join(self.folder, "image.tar"))
        self.environment = {"SSH_AUTH_SOCK": ""}

    def before(self, piece):
        if piece == "bootstrap":
            shutil.rmtree(self.folder + "/.osiris", ignore_errors=True)

    def command(self, piece, hosts):
        lines = "".join(f"        - {{host: {host}, name: n{number}}}\n" for number, host in enumerate(hosts))
        manifest = self.write("cluster.yaml", f"""\
apiVersion: osiris.dev/v1
kind: Cluster
metadata: {{name: bench}}
spec:
  hub: {{archive: image.tar, port: 8080, tls: false}}
  rollout: {{canary: 0, maxUnavailable: 100%}}
  targets:
    - name: rack
      provider: ssh
      user: {self.login["user"]}
      identity: {self.login["identity"]}
      hostKeys: {self.login["knownHosts"]}
      agent: false
      uploads: {FORKS}
      hosts:
{lines}""")
        words = {"noop": ["hosts", "exec", "--", "true"], "facts": ["hosts", "probe"],
                 "bootstrap": ["apply", "--auto-approve"]}[piece]
        return [self.program, words[0], *words[1:2], "-f", manifest, *words[2:]]


ALL = [Floor, Osiris, OpenSSH, AsyncSSH, Pyinfra, Ansible]
