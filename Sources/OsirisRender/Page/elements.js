// What every view uses. Names and values come from strangers: they become text nodes and nothing else.

const data = JSON.parse(document.getElementById("data").textContent);
const SIGNS = { delete: "−", replace: "±", update: "~", move: "⇒", create: "+", drift: "!", noop: "·" };
const RISK = ["delete", "replace", "update", "move", "create", "drift", "noop"];

function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const seconds = (value) => value > 0 && value < 0.1 ? `${Math.round(value * 1000)}ms` : value < 9.95 ? `${value.toFixed(1)}s` : value < 60 ? `${Math.round(value)}s`
  : `${Math.floor(value / 60)}m${String(Math.round(value % 60)).padStart(2, "0")}s`;
const targetOf = (address) => address.slice(0, address.indexOf("/"));
const typeOf = (address) => address.slice(address.indexOf("/") + 1).split(".")[0];
const nameOf = (address) => address.slice(address.indexOf("/") + 1).split(".").slice(1).join(".") || address;

// One item for each change, and one for each resource that changed outside.
const items = [
  ...data.changes.map((change) => ({ ...change, group: change.action })),
  ...data.drift.map((drift) => ({ ...drift, group: "drift", reason: drift.consequence })),
];
const changeAt = new Map(items.filter((item) => item.group !== "drift").map((item) => [item.address, item]));
const driftAt = new Map(items.filter((item) => item.group === "drift").map((item) => [item.address, item]));
const machineOf = new Map();
for (const target of data.targets) for (const domain of target.domains) for (const machine of domain.machines) {
  for (const address of machine.resources) machineOf.set(address, machine.root);
}

function textOf(item) {
  if (item.text === undefined) {
    const values = item.attributes.flatMap((attribute) =>
      [attribute.path, attribute.before, attribute.after, ...(attribute.lines ?? []).map((line) => line[1])]);
    item.text = [item.address, item.group, item.reason, item.place, item.line, ...values].filter(Boolean).join(" ").toLowerCase();
  }
  return item.text;
}
