// The views. Names and log lines come from strangers: they become text nodes and nothing else.

const MINUTES = 60;
const PAUSE = 5000;
const LOG_LINES = 1000;
const view = document.getElementById("view");

function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const shown = (text) => String(text ?? "").replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)));
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const percent = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(part && part / whole < 0.1 ? 1 : 0)} %` : "–");
const duration = (seconds) => seconds === null || seconds === undefined ? "–"
  : seconds < 1 ? `${(seconds * 1000).toPrecision(2) * 1} ms` : `${seconds.toPrecision(2) * 1} s`;
const badge = (text) => h("span", {
  className: "badge " + ({ ready: "good", busy: "good", free: "good", "crash-loop": "bad" }[text] ?? "warn"), textContent: shown(text),
});
const link = (item) => h("a", { href: `#/function/${encodeURIComponent(item.namespace)}/${encodeURIComponent(item.name)}`, textContent: shown(`${item.namespace}/${item.name}`) });
const empty = (text) => h("p", { className: "card empty", textContent: text });
const same = (item, other) => item.namespace === other.namespace && item.name === other.name;

function table(heads, rows) {
  const cell = (tag, head, child) => h(tag, { className: head[1] ?? "", "data-label": head[0] }, child);
  return h("div", { className: "card wide" }, h("table", {},
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { className: head[1] ?? "" }, head[0])))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((child, index) => cell("td", heads[index], child)))))));
}

async function functions(signal) {
  const [list, series] = await Promise.all([read("/system/functions", signal), read(`/system/series?minutes=${MINUTES}`, signal)]);
  if (!list.length) return [h("h1", { textContent: "Functions" }), empty("No functions yet. osiris apply deploys those of your manifest.")];
  const rows = list.map((item) => {
    const minutes = everyMinute(series.functions.find((other) => same(item, other))?.minutes ?? [], series.now, MINUTES);
    // The minute that runs is not whole: the rate is that of the one before.
    const whole = minutes[MINUTES - 2];
    const calls = minutes.reduce((sum, minute) => sum + minute.calls, 0);
    const errors = minutes.reduce((sum, minute) => sum + minute.errors, 0);
    const latest = minutes.findLast((minute) => minute.calls > 0);
    return [
      link(item), badge(item.state), String(item.servingVersion), `${item.availableReplicas} of ${item.replicas}`,
      String(whole.calls), h("span", { className: errors ? "bad" : "", textContent: percent(errors, calls) }),
      duration(latest?.p50), duration(latest?.p99), barChart(minutes, `${calls} calls in ${MINUTES} minutes`, "spark"),
    ];
  });
  const heads = [["Function", "name"], ["State"], ["Version", "n"], ["Instances", "n"], ["Calls/min", "n"], ["Errors, 1 h", "n"], ["p50", "n"], ["p99", "n"], ["Last hour"]];
  return [h("h1", { textContent: "Functions" }), table(heads, rows)];
}

async function instances(signal) {
  const title = h("h1", { textContent: "Instances" });
  let list;
  try { list = await read("/system/instances", signal); } catch (error) {
    if (error.status === 404) return [title, empty("This hub does not list its instances.")];
    throw error;
  }
  if (!list.length) return [title, empty("No instance runs now.")];
  const rows = list.map((item) => [
    h("code", { textContent: shown(item.id ?? "–") }), link(item), String(item.version), badge(item.state),
    item.since ? clock(item.since) : "–", String(item.restarts ?? "–"),
  ]);
  return [title, table([["Instance"], ["Function", "name"], ["Version", "n"], ["State"], ["Since"], ["Restarts", "n"]], rows)];
}

function chartCard(title, note, chart) {
  return h("figure", { className: "card" }, h("figcaption", {}, h("strong", { textContent: title }), note), chart,
    h("div", { className: "axis" }, h("span", { textContent: `${MINUTES} min ago` }), h("span", { textContent: "now" })));
}

async function charts(item, signal) {
  const series = await read(`/system/series?minutes=${MINUTES}`, signal);
  const minutes = everyMinute(series.functions.find((other) => same(item, other))?.minutes ?? [], series.now, MINUTES);
  const most = Math.max(...minutes.map((minute) => minute.calls));
  const slowest = Math.max(0.001, ...minutes.map((minute) => minute.p99 ?? 0));
  const rates = minutes.map((minute) => (minute.calls ? minute.errors / minute.calls : null));
  const worst = Math.max(0, ...rates);
  const faint = (text) => h("span", { className: "faint", textContent: text });
  return h("div", { className: "charts" },
    chartCard("Calls per minute", faint(`at most ${most}`), barChart(minutes, `Calls per minute, at most ${most}`)),
    chartCard("Error rate", faint(`at most ${percent(worst, 1)}`), lineChart([["err", rates]], 1, `Error rate, at most ${percent(worst, 1)}`)),
    chartCard("Latency", h("span", { className: "faint" }, h("span", { className: "key", textContent: "p50 " }), h("span", { className: "key second", textContent: "p99" }), `, at most ${duration(slowest)}`),
      lineChart([["second", minutes.map((m) => m.p99)], ["first", minutes.map((m) => m.p50)]], slowest, `Latency, p99 at most ${duration(slowest)}`)));
}

function facts(item) {
  const list = [
    ["State", badge(item.state)], ["Version", item.servingVersion === item.version ? String(item.version) : `${item.servingVersion}, ${item.version} is not ready`],
    ["Instances", `${item.availableReplicas} of ${item.replicas}`], ["Running", String(item.runningCalls)], ["Waiting", String(item.queueLength)],
    ["Restarts", String(item.restarts)], ["Runtime", shown(item.runtime)],
  ];
  if (item.lastError) list.push(["Last error", h("span", { className: "bad", textContent: shown(item.lastError) })]);
  return h("dl", { className: "card facts" }, ...list.map(([name, value]) => h("div", {}, h("dt", { textContent: name }), h("dd", {}, value))));
}

/** Lines that scroll along while the reader is at the end; the newest ones stay. */
function scroll(label) {
  const box = h("div", { className: "log", role: "log", tabIndex: 0, ariaLabel: label });
  return [box, (nodes) => {
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 8;
    box.append(...nodes);
    while (box.childElementCount > LOG_LINES) box.firstElementChild.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
  }];
}

function logs(item, signal) {
  const [box, add] = scroll("Log lines");
  const query = `name=${encodeURIComponent(item.name)}&namespace=${encodeURIComponent(item.namespace)}&format=json&follow=true`;
  const wait = h("p", { className: "faint", textContent: "No lines yet; new ones appear here." });
  box.append(wait);
  keep(signal, () => {
    box.replaceChildren(wait);
    return follow(`/system/logs?${query}&tail=200`, signal, (lines) => {
      if (lines.length) wait.remove();
      add(lines.map((line) => h("p", { title: line.call ? `call ${line.call}` : "" },
        h("time", { textContent: line.timestamp ? new Date(line.timestamp).toLocaleTimeString() : "–" }),
        h("span", { className: "who", textContent: shown(line.instance ?? "hub") }), shown(line.text))));
    });
  });
  return h("section", { className: "card" }, h("div", { className: "bar-of-tools" }, h("h2", { textContent: "Log, live" })), box);
}

function events(item, signal) {
  const [box, add] = scroll("Events");
  const query = item ? `&namespace=${encodeURIComponent(item.namespace)}` : "";
  let last = -1;
  keep(signal, () => follow(`/system/events?follow=true${query}${last < 0 ? "&count=200" : `&since=${last}`}`, signal, (list) => {
    if (list.length) last = list.at(-1).id;
    add(list.filter((event) => !item || same(item, event)).map((event) => h("p", {},
      h("time", { textContent: new Date(event.time * 1000).toLocaleString() }), h("strong", { textContent: shown(event.kind) }), " ",
      event.name ? h("span", { textContent: shown(`${event.namespace}/${event.name} `) }) : "",
      event.version ? h("span", { className: "faint", textContent: `version ${event.version} ` }) : "",
      event.instance ? h("span", { className: "faint", textContent: shown(`instance ${event.instance} `) }) : "", shown(event.message))));
  }));
  return h("section", { className: "card" }, h("h2", { textContent: "Events, live" }), box);
}

/** Follows again, after a pause, what the hub or the way there has ended. */
async function keep(signal, start) {
  while (!signal.aborted) {
    try { await start(); say(null); } catch (error) {
      if (signal.aborted) return;
      say(error);
      if (error.status && error.status < 500 && error.status !== 429) return;
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

function say(error) {
  const box = document.getElementById("trouble");
  box.hidden = !error;
  if (!error) return;
  if (error.status === 401) return signOut("The hub does not know this token.");
  box.textContent = error instanceof Refused ? shown(error.message) : "The hub does not answer. Trying again.";
}

function signOut(why) {
  sessionStorage.removeItem(TOKEN);
  start();
  if (why) document.getElementById("why").textContent = why;
}

function signIn() {
  const field = h("input", { type: "password", id: "token", autocomplete: "off", required: true, spellcheck: false });
  view.replaceChildren(h("section", { className: "card sign" }, h("form", {
    onsubmit: (event) => {
      event.preventDefault();
      sessionStorage.setItem(TOKEN, field.value.trim());
      start();
    },
  }, h("h1", { textContent: "Sign in" }), h("label", { htmlFor: "token" }, "A token that may read: ", h("code", { textContent: "osiris hub token --role read" })),
  field, h("button", { type: "submit", textContent: "Sign in" }), h("p", { id: "why", className: "bad", role: "alert" }),
  h("p", { className: "faint", textContent: "It is kept in this tab only, until the tab is closed." }))));
  field.focus();
}

async function header(signal) {
  const [info, ready] = await Promise.all([read("/system/info", signal), fetch("/ready", { signal }).then((answer) => answer.json())]);
  document.getElementById("where").textContent = shown(`${info.cluster} · ${info.address} · ${info.version}`);
  const box = document.getElementById("ready");
  box.hidden = false;
  box.className = `badge ${ready.ready ? "good" : "warn"}`;
  box.textContent = ready.ready ? "ready" : "not ready";
  box.title = ready.waiting.map((item) => shown(`${item.namespace}/${item.name}: ${item.reason}`)).join("\n");
}

/** Builds a view and keeps its parts fresh until it is left or the page is hidden. */
async function show(signal) {
  const [, kind, namespace, name] = location.hash.split("/").map(decodeURIComponent);
  for (const entry of document.querySelectorAll("nav a")) {
    entry.toggleAttribute("aria-current", entry.hash === `#/${kind ?? ""}` || (kind === "function" && entry.hash === "#/"));
  }
  const every = async (fill) => {
    while (!signal.aborted) {
      try { await Promise.all([header(signal), fill()]); say(null); } catch (error) {
        if (signal.aborted) return;
        say(error);
        if (error.status && error.status < 500) return;
      }
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  };
  if (kind === "events") {
    view.replaceChildren(h("h1", { textContent: "Events" }), events(null, signal));
    return every(async () => {});
  }
  if (kind === "function") {
    const item = { namespace, name };
    const live = h("div");
    view.replaceChildren(h("h1", { textContent: shown(`${namespace}/${name}`) }), live, logs(item, signal), events(item, signal));
    return every(async () => {
      const status = await read(`/system/function/${encodeURIComponent(name)}?namespace=${encodeURIComponent(namespace)}`, signal);
      live.replaceChildren(facts(status), await charts(item, signal));
    });
  }
  view.replaceChildren(h("p", { className: "faint", textContent: "Loading …" }));
  const fill = kind === "instances" ? instances : functions;
  return every(async () => {
    const nodes = await fill(signal);
    if (signal.aborted) return;
    // Who is on a link stays on it.
    const focus = document.activeElement?.hash;
    view.replaceChildren(...nodes);
    if (focus) view.querySelector(`a[href="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  });
}

let running = new AbortController();

function start() {
  running.abort();
  running = new AbortController();
  const known = sessionStorage.getItem(TOKEN);
  document.getElementById("nav").hidden = !known;
  document.getElementById("ready").hidden = true;
  document.getElementById("trouble").hidden = true;
  if (!known) {
    document.getElementById("where").textContent = "";
    return signIn();
  }
  if (!document.hidden) show(running.signal);
}

window.addEventListener("hashchange", () => { start(); view.focus(); });
document.addEventListener("visibilitychange", start);
document.getElementById("leave").addEventListener("click", () => signOut(""));
document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); view.focus(); });
start();
