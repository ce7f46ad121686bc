// The drawing: targets, racks in them, machines in those, and what is on each machine as one square each.

const SQUARES = 48;
const tiles = new Map();

// What has no hub, such as a certificate authority, is drawn but is no machine.
const machines = (domain) => domain.machines.filter((machine) => machine.resources.some((address) => typeOf(address) === "hub")).length;

function drawMap(choose, open) {
  const view = document.getElementById("map");
  for (const target of data.targets) {
    const count = target.domains.reduce((sum, domain) => sum + machines(domain), 0);
    view.append(h("h2", {}, `${target.name} `, h("span", { className: "faint", textContent: plural(count, "machine") })));
    for (const domain of target.domains) {
      const named = target.domains.length > 1 || domain.name !== target.name;
      view.append(h("div", { className: "domain" },
        h("h3", { textContent: named ? `${domain.name} · ${plural(machines(domain), "machine")}` : "" }),
        h("div", { className: "machines" }, ...domain.machines.map(tile))));
    }
  }
  if (!data.targets.length) view.append(h("p", { className: "faint", textContent: "No resources." }));
  const all = [...tiles.values()].map((entry) => entry.node);
  // One stop for the tabulator; the arrows go from machine to machine.
  if (all[0]) all[0].tabIndex = 0;
  view.addEventListener("keydown", (event) => {
    const index = all.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -index, End: all.length - 1 - index }[event.key];
    if (index < 0 || step === undefined) return;
    event.preventDefault();
    const next = all[Math.min(all.length - 1, Math.max(0, index + step))];
    all[index].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  view.addEventListener("click", (event) => {
    const address = event.target.dataset?.address;
    if (address && (changeAt.has(address) || driftAt.has(address))) return open(address);
    const node = event.target.closest(".machine");
    if (node) choose(node.dataset.root);
  });
}

function tile(machine) {
  const states = machine.resources.map((address) => changeAt.get(address)?.group ?? (driftAt.has(address) ? "drift" : "noop"));
  const worst = RISK.find((action) => states.includes(action)) ?? "noop";
  const counts = RISK.filter((action) => action !== "noop" && states.includes(action))
    .map((action) => `${states.filter((state) => state === action).length} ${action}`).join(", ") || "unchanged";
  const squares = machine.resources.slice(0, SQUARES).map((address, index) => h("i", {
    className: states[index] + (driftAt.has(address) ? " drift" : ""), textContent: SIGNS[states[index]],
    title: `${typeOf(address)} ${nameOf(address)}: ${states[index] === "noop" ? "unchanged" : states[index]}`, "data-address": address,
  }));
  const more = machine.resources.length - SQUARES;
  const node = h("button", {
    type: "button", className: `machine ${worst}`, tabIndex: -1, "data-root": machine.root,
    title: `${machine.root}: ${counts}`, "aria-label": `${machine.root}: ${counts}`, "aria-pressed": "false",
  }, h("b", { textContent: nameOf(machine.root) }), ...squares,
    more > 0 ? h("span", { className: "more", textContent: ` +${more}` }) : undefined);
  tiles.set(machine.root, { node, resources: machine.resources });
  return node;
}

function dimMap(shown, machine, isFiltered) {
  for (const [root, { node, resources }] of tiles) {
    node.setAttribute("aria-pressed", String(root === machine));
    node.classList.toggle("out", isFiltered && !resources.some((address) => shown.has(address)));
  }
}
