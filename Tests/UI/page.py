"""Drives the hub's page in headless Chromium: signs in by typing, looks at every view, and checks that hostile text
stays text. `make test-ui` runs it; with a folder as argument it leaves screenshots there.

usage: page.py OSIRIS_HUB [FOLDER]
"""
import asyncio, base64, hashlib, json, os, pathlib, subprocess, sys, tempfile, time, urllib.request

from browser import Browser, wait

HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
FUNCTIONS = {
    "hello": "import time\ndef handle(name='you', slow=0):\n    print('greeting', name)\n    time.sleep(slow)\n    return {'greeting': 'hi ' + name}\n",
    "shop": "import random\ndef handle():\n    print('order', random.randrange(1000))\n    if random.random() < 0.2: raise ValueError('no stock')\n    return 1\n",
    "hostile": f"def handle():\n    print({HOSTILE!r})\n    raise ValueError({HOSTILE!r})\n",
}


class Hub:
    def __init__(self, program, folder):
        config = {"address": "here/hub.here", "cluster": "edge", "host": "127.0.0.1", "port": 0, "generation": "g",
                  "tokens": [{"role": role, "sha256": "sha256:" + hashlib.sha256(role.encode()).hexdigest()}
                             for role in ["admin", "read"]]}
        path = pathlib.Path(folder) / "hub.json"
        path.touch(0o600)
        path.write_text(json.dumps(config))
        self.process = subprocess.Popen([program, "serve", "--data", folder], stderr=open(folder + "/hub.log", "w"))
        note = pathlib.Path(folder) / "hub.pid"
        wait("the hub listens", lambda: note.exists() and note.stat().st_size > 0)
        self.base = f"http://127.0.0.1:{json.loads(note.read_text())['port']}"

    def send(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method, headers={"Authorization": "Bearer admin"},
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            return error.read()

    def deploy(self, name, code, namespace="demo", **more):
        file = {"path": "code.py", "base64": base64.b64encode(code.encode()).decode()}
        self.send("PUT", "/system/functions", {"name": name, "namespace": namespace, "runtime": "python3",
                                               "handler": "code.handle", "files": [file], **more})

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


async def drive(hub, browser, folder):
    await browser.open(hub.base + "/ui")
    await browser.until("document.activeElement.id === 'token'")
    await browser.look(folder, "sign-in")
    await browser.type("wrong")
    await browser.key("Enter", 13)
    await browser.until("document.body.innerText.includes('does not know this token')")
    await browser.type("read")
    await browser.key("Enter", 13)
    await browser.until("document.body.innerText.includes('No functions yet')")
    await browser.look(folder, "empty")
    for name, code in FUNCTIONS.items():
        hub.deploy(name, code, scale={"min": 1, "max": 4})
    hub.deploy("broken", "import missing_module\n", alwaysOn=False)
    await browser.until("document.querySelectorAll('tbody tr').length === 4")
    for name in FUNCTIONS:
        wait(f"{name} is ready", lambda: b'"ready":true' in hub.send("GET", f"/system/function/{name}?namespace=demo"))
    # Over the turn of a minute, so that there are two columns.
    for round in range(3):
        for number in range(25):
            hub.send("POST", "/function/demo/hello", {"name": f"caller {number}", "slow": number / 400})
            hub.send("POST", "/function/demo/shop", {})
        hub.send("POST", "/function/demo/hostile", {})
        if folder and round < 2:
            await asyncio.sleep(61 - time.time() % 60 if round == 0 else 20)
    await browser.until("document.body.innerText.includes('crash-loop')", 60)
    await browser.until("document.querySelectorAll('svg.spark rect').length >= 3")
    await browser.look(folder, "functions")
    await browser.look(folder, "functions-dark", dark=True)
    await browser.look(folder, "functions-narrow", width=400, height=800)
    await browser.look(folder, "functions")
    # By keyboard alone.
    await browser.value("document.querySelector('a[href=\"#/function/demo/hello\"]').focus()")
    await browser.key("Enter", 13)
    await browser.until("document.querySelectorAll('figure svg').length === 3")
    await browser.until("document.querySelectorAll('.log p').length > 20")
    hub.send("POST", "/function/demo/hello", {"name": "the newest line"})
    await browser.until("document.body.innerText.includes('the newest line')", 10)
    await browser.look(folder, "function", height=1100)
    await browser.look(folder, "function-dark", height=1100, dark=True)
    await browser.look(folder, "function-narrow", width=400, height=1400)
    await browser.value("location.hash = '#/function/demo/hostile'")
    await browser.until("document.querySelector('.log')?.innerText.includes('onerror=')")
    await browser.look(folder, "hostile")
    # A name nobody could deploy, from a link that a stranger sent.
    await browser.value(f"location.hash = '#/function/demo/' + encodeURIComponent({json.dumps(HOSTILE)})")
    await browser.until("document.querySelector('h1')?.innerText.includes('onerror=')")
    for place, words in [("events", "crash-loop-entered"), ("instances", "Instances")]:
        await browser.value(f"location.hash = '#/{place}'")
        await browser.until(f"document.getElementById('view').innerText.includes('{words}')")
        await browser.look(folder, place)
    title = await browser.value("document.title")
    if title != "Osiris hub":
        browser.faults.append("hostile text ran as script")
    if await browser.value("document.querySelectorAll('main img, main script').length"):
        browser.faults.append("hostile text became markup")
    stored = await browser.value("JSON.stringify([Object.keys(localStorage), document.cookie, sessionStorage.length])")
    if stored != '[[],"",1]':
        browser.faults.append(f"more is stored than the token in this tab: {stored}")
    strangers = [url for url in browser.requests if not url.startswith((hub.base + "/", "data:"))]
    if strangers:
        browser.faults.append(f"requests to others: {strangers}")
    await browser.value("document.getElementById('leave').click()")
    await browser.until("document.activeElement.id === 'token'")
    if await browser.value("sessionStorage.length"):
        browser.faults.append("the token stays after signing out")


def main():
    program, folder = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        hub = Hub(os.path.abspath(program), data)
        try:
            browser = Browser(profile)
            try:
                asyncio.run(drive(hub, browser, folder))
            finally:
                browser.stop()
        finally:
            hub.stop()
    if browser.faults:
        sys.exit("\n".join(browser.faults))
    print("the page works, and hostile text stays text")


main()
