"""Opens the pages of `osiris plan --format html` and `osiris apply --report` in headless Chromium: 2,000 changes, hostile
text, the keyboard alone, light and dark, wide and narrow. `make test-ui` runs it; with a folder as argument it leaves
screenshots there.

usage: plan.py OSIRIS [FOLDER]
"""
import asyncio, json, os, pathlib, re, subprocess, sys, tempfile, time

from browser import Browser

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><!--"
MANIFEST = """apiVersion: osiris.dev/v1
kind: Cluster
metadata: {name: edge}
spec:
  hub: {port: 8080}
  functions:
    - name: hello
      namespace: demo
      runtime: python3
      source: f
      handler: f.handle
      env:
        GREETING: hi
        MOTD: |
          Welcome.
          This is the first line that stays.
    - {name: old, namespace: demo, runtime: python3, source: f, handler: f.handle}
  rollout: {canary: 2, maxUnavailable: 25%}
  targets:
    - {name: fleet, provider: simulated, machines: {count: 360, racks: 12}, simulate: {store: fleet.jsonl, latency: 40ms, jitter: 30ms}}
    - {name: lab, provider: simulated, machines: {count: 40}, simulate: {latency: 2ms, faults: {notReady: []}}}
"""


class Cluster:
    def __init__(self, program, folder):
        self.program, self.folder = os.path.abspath(program), pathlib.Path(folder)
        (self.folder / "f").mkdir()
        (self.folder / "f/f.py").write_text("def handle():\n    return 1\n")
        self.write(MANIFEST)

    def write(self, text):
        (self.folder / "cluster.yaml").write_text(text)

    def edit(self, *pairs):
        text = (self.folder / "cluster.yaml").read_text()
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        self.write(text)

    def run(self, *arguments, status=0):
        answer = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True)
        assert answer.returncode == status, (arguments, answer.returncode, answer.stdout[-2000:], answer.stderr[-2000:])
        return answer.stdout

    def plan(self, name):
        page = self.run("plan", "--format", "html")
        (self.folder / name).write_text(page)
        return (self.folder / name).as_uri()

    def apply(self, name, status=0):
        self.run("apply", "--auto-approve", "--report", name, status=status)
        return (self.folder / name).as_uri()


def self_contained(path):
    """No address that a browser would load from, and no link out."""
    text = path.read_text()
    text = text[:text.index('id="data"')] + text[text.index("</script>", text.index('id="data"')):]
    found = re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)[^"']*|https?://[^\s"'<)]*|@import|url\(""", text)
    return [f"{path.name} names {one}" for one in found]


async def drive(cluster, browser, folder):
    see = lambda: browser.value("document.getElementById('list').innerText")
    created = cluster.apply("created.html")
    cluster.edit(("port: 8080", "port: 8181"), ("GREETING: hi", "GREETING: " + json.dumps(HOSTILE)), ("Welcome.", "Welcome, all."),
                 ("name: old", "name: new"), ("count: 40", "count: 30"))
    # Somebody changes a machine and removes another.
    store = cluster.folder / "fleet.jsonl"
    lines = [json.loads(line) for line in store.read_text().splitlines()]
    engine = next(line for line in lines if line["address"] == "fleet/engine.m0007")
    hub = next(line for line in lines if line["address"] == "fleet/hub.m0009")
    with store.open("a") as out:
        out.write(json.dumps({**engine, "op": "update", "token": "x1", "attributes": {**engine["attributes"], "version": "4.0.0"}}) + "\n")
        out.write(json.dumps({**hub, "op": "delete", "token": "x2"}) + "\n")
    page = cluster.plan("plan.html")
    begun = time.monotonic()
    await browser.open(page)
    await browser.until("document.querySelectorAll('#list details').length > 3")
    print(f"a plan of {await browser.value('data.changes.length')} changes is drawn after {time.monotonic() - begun:.1f} s")
    for name, more in [("plan", {}), ("plan-dark", {"dark": True}), ("plan-narrow", {"width": 400, "height": 900})]:
        await browser.look(folder, name, **more)
    # By keyboard alone: the search, a change, its difference.
    await browser.key("/", 191)
    await browser.until("document.activeElement.id === 'search'")
    begun = time.monotonic()
    await browser.type("m0042 greeting")
    await browser.until("document.querySelectorAll('#list summary').length === 1")
    print(f"a search takes {time.monotonic() - begun:.1f} s, the pause after typing included")
    await browser.value("document.activeElement.blur()")
    await browser.key("j", 74)
    await browser.until("document.activeElement.tagName === 'SUMMARY'")
    await browser.key("Enter", 13)
    await browser.until("document.querySelectorAll('#list .body ins').length")
    text = await see()
    for words in ["cluster.yaml:13", "onerror", "Welcome, all.", "env.GREETING"]:
        if words not in text: browser.faults.append(f"the change does not show {words}: {text}")
    await browser.look(folder, "change")
    await browser.key("Escape", 27)
    await browser.until("document.getElementById('found').textContent === ''")
    # A machine of the drawing, by the arrows.
    await browser.value("document.querySelector('.machine').focus()")
    await browser.key("ArrowRight", 39)
    await browser.key("Enter", 13)
    await browser.until("document.getElementById('machine').textContent.includes('fleet/machine.m0013')")
    await browser.look(folder, "machine")
    await browser.key("Escape", 27)
    # From a square to its change inside a folded row.
    await browser.value("document.querySelector('[data-address=\"fleet/hub.m0020\"]').click()")
    await browser.until("document.activeElement.innerText?.includes('fleet/hub.m0020')")
    await browser.value("document.querySelector('[data-address=\"fleet/engine.m0007\"]').click()")
    await browser.until("document.getElementById('list').innerText.includes('4.0.0')")
    await browser.key("Escape", 27)
    await browser.value("document.querySelector('#actions .delete').click()")
    await browser.until("!document.getElementById('list').innerText.includes('To delete')")

    cluster.edit(("notReady: []", "notReady: [lab/hub.m0002]"))
    for name, page in [("created", created), ("applied", cluster.apply("applied.html", status=1))]:
        await browser.do("Page.navigate", url=page)
        await browser.until("document.querySelectorAll('#timeline .run.critical').length > 2")
        await browser.look(folder, name)
    await browser.look(folder, "applied-dark", dark=True)
    await browser.look(folder, "applied-narrow", width=400, height=900)
    text = await browser.value("document.getElementById('timeline').innerText")
    for words in ["Critical path", "did not become ready", "rollout stopped"]:
        if words not in text and words not in await browser.value("document.body.innerText") and words not in await browser.value(
                "[...document.querySelectorAll('.run')].map((run) => run.title).join()"):
            browser.faults.append(f"the timeline does not show {words}")
    await browser.value("[...document.querySelectorAll('#views button')].at(-1).click()")
    await browser.until("!document.getElementById('list').hidden")
    if not str(await browser.value("document.title")).startswith("Apply of edge"):
        browser.faults.append("hostile text ran as script")
    if await browser.value("document.querySelectorAll('main img, main script').length"):
        browser.faults.append("hostile text became markup")
    strangers = [url for url in browser.requests if not url.startswith(("file://", "data:"))]
    if strangers:
        browser.faults.append(f"requests: {strangers}")
    for path in cluster.folder.glob("*.html"):
        browser.faults += self_contained(path)


def main():
    program, folder = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            asyncio.run(drive(Cluster(program, data), browser, folder))
        finally:
            browser.stop()
    if browser.faults:
        sys.exit("\n".join(browser.faults))
    print("the pages of plan and apply work, and hostile text stays text")


main()
