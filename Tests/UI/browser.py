"""A headless Chromium, driven by the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""
import asyncio, base64, json, pathlib, shutil, subprocess, sys, time, urllib.request

import websockets


def wait(what, done, seconds=30):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"still not so after {seconds} s: {what}")
        time.sleep(0.05)


class Browser:
    """One tab of a headless Chromium."""

    def __init__(self, profile):
        program = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("there is no chromium")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.DEVNULL)
        note = pathlib.Path(profile) / "DevToolsActivePort"
        wait("chromium listens", note.exists, 60)
        self.port = int(note.read_text().split()[0])
        self.number = 0
        self.faults = []

    async def open(self, url):
        targets = json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json"))
        target = next(target for target in targets if target["type"] == "page")
        self.socket = await websockets.connect(target["webSocketDebuggerUrl"], max_size=1 << 26, ping_interval=None)
        for domain in ["Page", "Runtime", "Log", "Network"]:
            await self.do(domain + ".enable")
        self.requests = set()
        await self.do("Page.navigate", url=url)

    async def do(self, method, **parameters):
        self.number += 1
        await self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self.socket.recv())
            if message.get("id") == self.number:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']}")
                return message["result"]
            self.note(message)

    def note(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.faults.append(parameters["exceptionDetails"].get("exception", {}).get("description", "exception"))
        if method == "Log.entryAdded" and parameters["entry"]["source"] == "security":
            self.faults.append(parameters["entry"]["text"])
        if method == "Network.requestWillBeSent":
            self.requests.add(parameters["request"]["url"])

    async def value(self, expression):
        answer = await self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def until(self, expression, seconds=30):
        end = time.monotonic() + seconds
        while not await self.value(expression):
            if time.monotonic() > end:
                text = await self.value("document.body.innerText")
                raise SystemExit(f"still not so after {seconds} s: {expression}\n{text}\n{self.faults}")
            await asyncio.sleep(0.1)

    async def type(self, text):
        await self.do("Input.insertText", text=text)

    async def key(self, key, code):
        for kind in ["keyDown", "keyUp"]:
            await self.do("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                          **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}))

    async def look(self, folder, name, width=1200, height=900, dark=False):
        await self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        await self.do("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        await asyncio.sleep(0.5)
        wide = await self.value("document.documentElement.scrollWidth > innerWidth")
        if wide:
            self.faults.append(f"{name} is wider than the window of {width}")
        if folder:
            shot = await self.do("Page.captureScreenshot", format="png")
            pathlib.Path(folder, name + ".png").write_bytes(base64.b64decode(shot["data"]))

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
