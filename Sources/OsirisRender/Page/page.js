// The page: what is chosen, and what follows from it.

const by = (id) => document.getElementById(id);
const chosen = { words: [], actions: new Set(RISK), target: "", type: "", machine: "" };
const name = data.timeline ? (data.mode === "destroy" ? "Destroy" : "Apply") : data.mode === "destroy" ? "Plan to destroy" : "Plan";

document.title = `${name} of ${data.cluster}`;
by("title").textContent = `${name} of ${data.cluster}`;
by("when").textContent = data.time.replace("T", " ").replace(/\.\d+Z$/, " UTC");
by("sentences").append(...data.sentences.map((text, index) => h("li", { className: index === 0 && data.complete === false ? "fault" : "", textContent: text })),
  ...data.faults.map((fault) => h("li", { className: fault.severity === "error" ? "fault" : "warning",
    textContent: `${fault.severity} ${fault.code}: ${fault.message}${fault.place ? ` (${fault.place})` : ""}${fault.help ? ` — ${fault.help}` : ""}` })));

const isFiltered = () => chosen.words.length > 0 || chosen.target || chosen.type || chosen.machine
  || items.some((item) => !chosen.actions.has(item.group));

function matches(item) {
  return chosen.actions.has(item.group) && (!chosen.target || targetOf(item.address) === chosen.target)
    && (!chosen.type || typeOf(item.address) === chosen.type)
    && (!chosen.machine || machineOf.get(item.address) === chosen.machine)
    && (!chosen.words.length || chosen.words.every((word) => textOf(item).includes(word)));
}

function open(wanted) {
  const item = typeof wanted === "string" ? changeAt.get(wanted) ?? driftAt.get(wanted) : wanted;
  if (!matches(item)) clear();
  view("changes");
  item.fold?.unfold();
  if (!item.row?.isConnected) return;
  item.row.open = true;
  item.row.scrollIntoView({ block: "center" });
  item.row.firstChild.focus();
}

const showList = drawList(by("list"), open);
const showTimeline = data.timeline ? drawTimeline(by("timeline")) : () => {};
drawMap((root) => { chosen.machine = chosen.machine === root ? "" : root; update(); }, open);

function view(which) {
  by("map").hidden = by("list").hidden = which !== "changes";
  by("timeline").hidden = which !== "timeline";
  for (const button of by("views").children) button.setAttribute("aria-pressed", String(button.dataset.view === which));
}
if (data.timeline) {
  by("views").hidden = false;
  by("views").append(...["timeline", "changes"].map((which) => h("button", {
    type: "button", "data-view": which, textContent: which === "timeline" ? "Timeline" : "Changes", onclick: () => view(which),
  })));
  view("timeline");
}

function update() {
  const shown = showList(matches);
  const filtered = Boolean(isFiltered());
  dimMap(shown, chosen.machine, filtered);
  showTimeline((address) => !filtered || shown.has(address));
  by("machine").hidden = !chosen.machine;
  by("machine").textContent = `only ${chosen.machine} ✕`;
  by("clear").hidden = !filtered;
  by("found").textContent = filtered ? plural(shown.size, "resource") : "";
}

function clear() {
  Object.assign(chosen, { words: [], actions: new Set(RISK), target: "", type: "", machine: "" });
  by("search").value = by("target").value = by("type").value = "";
  for (const button of by("actions").children) button.setAttribute("aria-pressed", "true");
  update();
}

const counts = new Map();
for (const item of items) counts.set(item.group, (counts.get(item.group) ?? 0) + 1);
for (const action of RISK.filter((one) => counts.has(one))) {
  by("actions").append(h("button", { type: "button", className: action, "aria-pressed": "true",
    textContent: `${SIGNS[action]} ${action === "drift" ? "outside" : action} ${counts.get(action).toLocaleString("en")}`,
    onclick: (event) => {
      if (chosen.actions.has(action)) chosen.actions.delete(action); else chosen.actions.add(action);
      event.currentTarget.setAttribute("aria-pressed", String(chosen.actions.has(action)));
      update();
    } }));
}
for (const [id, label, value] of [["target", "every target", targetOf], ["type", "every type", typeOf]]) {
  const values = [...new Set(items.map((item) => value(item.address)))].sort();
  by(id).append(h("option", { value: "", textContent: label }), ...values.map((one) => h("option", { value: one, textContent: one })));
  by(id).hidden = values.length < 2;
  by(id).addEventListener("change", () => { chosen[id] = by(id).value; update(); });
}
by("machine").addEventListener("click", () => { chosen.machine = ""; update(); });
by("clear").addEventListener("click", clear);
let waiting;
by("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { chosen.words = by("search").value.toLowerCase().split(/\s+/).filter(Boolean); update(); }, 80);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") return clear();
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "/") {
    event.preventDefault();
    by("search").focus();
  } else if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("#list summary")].filter((row) => row.checkVisibility());
    const index = rows.indexOf(document.activeElement);
    const next = rows[index < 0 ? 0 : index + (event.key === "j" ? 1 : -1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
});
update();
