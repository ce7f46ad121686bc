// Speaks to the hub's API with the token of this tab.

const TOKEN = "osiris-token";

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, signal) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(TOKEN) ?? ""}` };
  const response = await fetch(path, { headers, signal, cache: "no-store", redirect: "error" });
  if (response.ok) return response;
  let message = `The hub answers ${response.status}.`;
  try { message = (await response.json()).error.message; } catch { /* not the hub's own words */ }
  throw new Refused(response.status, message);
}

async function read(path, signal) {
  return (await ask(path, signal)).json();
}

/** Hands over each JSON line of an endless answer. Returns when the hub ends it. */
async function follow(path, signal, line) {
  const reader = (await ask(path, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    line(lines.filter((text) => text !== "").map((text) => JSON.parse(text)));
  }
}
