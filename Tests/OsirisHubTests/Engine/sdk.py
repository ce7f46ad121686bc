"""Uses an engine through Docker's own client for Python: sdk.py SOCKET IMAGE. Ends with 0 if all is as it should be."""
import json, sys, time, urllib.request, docker

engine, image = docker.DockerClient(base_url="unix://" + sys.argv[1], version="1.41"), sys.argv[2]
labels = {"osiris.hub": "sdk", "osiris.function": "echo"}


def refused(kind, call):
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError("not refused: %r" % call)


assert engine.ping() is True
assert engine.version()["ApiVersion"] == "1.41"
assert image in engine.images.get(image).tags
assert "No such image" in refused(docker.errors.ImageNotFound, lambda: engine.images.get("localhost/none:1"))
refused(docker.errors.APIError, lambda: engine.images.pull("localhost/none", tag="1"))
made = engine.containers.create(
    image, name="osiris-sdk", environment={"PORT": "8080", "GREETING": "hi"}, labels=labels, read_only=True,
    tmpfs={"/tmp": "size=1048576"}, mem_limit=134217728, nano_cpus=500000000, pids_limit=64, cap_drop=["ALL"],
    security_opt=["no-new-privileges"], ports={"8080/tcp": ("127.0.0.1", None)},
    ulimits=[docker.types.Ulimit(name="nofile", soft=256, hard=256),
             docker.types.Ulimit(name="nproc", soft=4096, hard=4096)])
try:
    assert made.status == "created", made.status
    made.start()
    made.reload()
    host = made.attrs["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (134217728, 500000000, 64), host
    assert host["ReadonlyRootfs"] is True and "no-new-privileges" in host["SecurityOpt"], host
    port = made.ports["8080/tcp"][0]["HostPort"]
    deadline = time.monotonic() + 20
    while True:
        try:
            answer = json.load(urllib.request.urlopen("http://127.0.0.1:%s/a?b=1" % port))
            break
        except OSError:
            assert time.monotonic() < deadline, made.logs()
            time.sleep(0.05)
    assert answer["path"] == "/a?b=1" and answer["greeting"] == "hi", answer
    assert [one.id for one in engine.containers.list(filters={"label": ["osiris.hub=sdk"]})] == [made.id]
    assert engine.containers.list(filters={"label": ["osiris.hub=another"]}) == []
    assert b"starting\n" in made.logs(stdout=True, stderr=False), made.logs()
    refused(docker.errors.APIError, made.remove)
    lines = made.logs(stream=True, follow=True)
    made.stop(timeout=5)
    assert b"stopping" in b"".join(lines)
    assert made.wait()["StatusCode"] == 7
    assert engine.containers.list(filters={"label": ["osiris.hub=sdk"]}) == []
    assert len(engine.containers.list(all=True, filters={"label": ["osiris.hub=sdk"]})) == 1
finally:
    made.remove(force=True)
refused(docker.errors.NotFound, lambda: engine.containers.get("osiris-sdk"))
print("ok")
