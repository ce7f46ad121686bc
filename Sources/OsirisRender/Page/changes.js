// The list: riskiest first, each change a row that opens to its cause and its differences.

// More alike changes than this are one row, which opens to all of them.
const FOLD = 10;
// More rows than this would make the page slow; the search covers all of them.
const ROWS = 3000;
const TITLES = { delete: "To delete", replace: "To replace", update: "To update", move: "To rename", create: "To create", drift: "Changed outside osiris" };

function drawList(view, open) {
  const sections = [];
  for (const group of ["drift", ...RISK.slice(0, 5)]) {
    const members = items.filter((item) => item.group === group);
    if (!members.length) continue;
    const title = h("h2", { className: group });
    const box = h("div", {});
    sections.push({ group, members, title, box });
    view.append(h("section", {}, title, box));
  }
  if (!sections.length) view.append(h("p", { className: "faint", textContent: "Nothing is to be changed." }));
  return function show(matches) {
    const shown = new Set();
    let left = ROWS;
    for (const { group, members, title, box } of sections) {
      const found = members.filter(matches);
      found.forEach((item) => shown.add(item.address));
      const entries = folded(found);
      const rows = entries.slice(0, left);
      left -= rows.length;
      box.replaceChildren(...rows.map((entry) => Array.isArray(entry) ? fold(entry, open) : rowOf(entry, open)));
      if (rows.length < entries.length) box.append(tooMany(entries.length - rows.length));
      title.textContent = `${TITLES[group]}: ${found.length.toLocaleString("en")}`
        + (found.length < members.length ? ` of ${members.length.toLocaleString("en")}` : "");
      title.parentNode.hidden = !found.length;
    }
    return shown;
  };
}

const tooMany = (count) => h("p", { className: "faint", textContent: `… ${plural(count, "more row")}: narrow the search` });
const rowOf = (item, open) => item.row ??= row(item, open);

// What changes must have in common to be one row; what becomes unknown was different things before.
function likeness(item) {
  item.like ??= JSON.stringify([targetOf(item.address), typeOf(item.address), item.place, item.chain ? "chain" : item.reason,
    item.group === "create" || item.group === "delete" ? []
      : item.attributes.map((one) => one.after === "(known after apply)" ? one.path : one)]);
  return item.like;
}

// The items in their order; more than FOLD alike ones as one array, where the first of them stood.
function folded(found) {
  const alike = Map.groupBy ? Map.groupBy(found, likeness) : found.reduce((map, item) => {
    if (!map.has(likeness(item))) map.set(likeness(item), []);
    map.get(likeness(item)).push(item);
    return map;
  }, new Map());
  return found.flatMap((item) => {
    item.fold = undefined;
    const members = alike.get(likeness(item));
    return members.length <= FOLD ? [item] : members[0] === item ? [members] : [];
  });
}

function fold(members, open) {
  const [first, last] = [members[0], members.at(-1)];
  const body = h("div", { className: "body" });
  const unfold = () => {
    details.open = true;
    if (body.childNodes.length) return;
    if (first.group === "update" || first.group === "replace" || first.group === "drift") body.append(...parts({ ...first, chain: undefined, takes: undefined,
      attributes: first.attributes.map((one) => one.after === "(known after apply)" ? { ...one, before: undefined } : one) }, open));
    body.append(...members.slice(0, ROWS).map((item) => rowOf(item, open)));
    if (members.length > ROWS) body.append(tooMany(members.length - ROWS));
  };
  const details = h("details", { className: "change", ontoggle: () => { if (details.open) unfold(); } }, h("summary", {},
    h("span", { className: `sign ${first.group}`, textContent: SIGNS[first.group], title: first.group }),
    h("span", { className: `address ${first.group}`, textContent: `${targetOf(first.address)}/${typeOf(first.address)}.…` }),
    h("span", {}, h("b", { textContent: plural(members.length, "resource") }), `: ${nameOf(first.address)} … ${nameOf(last.address)}`),
    h("span", { className: "why", textContent: first.chain ? "because of what each stands on or refers to" : first.reason }),
    first.place ? h("span", { className: "place", textContent: first.place }) : undefined), body);
  for (const item of members) item.fold = { unfold };
  return details;
}

function row(item, open) {
  const body = h("div", { className: "body" });
  const details = h("details", { className: "change", ontoggle: () => {
    if (details.open && !body.childNodes.length) body.append(...parts(item, open));
  } }, h("summary", {},
    h("span", { className: `sign ${item.group}`, textContent: SIGNS[item.group], title: item.group }),
    h("span", { className: `address ${item.group}`, textContent: item.address }),
    h("span", { className: "why", textContent: item.gone ? `it is gone; ${item.reason}` : item.reason }),
    item.place ? h("span", { className: "place", textContent: item.place }) : undefined), body);
  return details;
}

function parts(item, open) {
  const jump = (address) => changeAt.has(address) || driftAt.has(address)
    ? h("button", { type: "button", className: "link address", textContent: address, onclick: () => open(address) })
    : h("span", { className: "address", textContent: address });
  const chain = (title, addresses) => [h("h3", { textContent: title }),
    h("ol", { className: "chain" }, ...addresses.map((address) => h("li", {}, jump(address))))];
  const nodes = [];
  if (item.line) nodes.push(h("pre", { textContent: `${item.place} │ ${item.line}` }));
  if (item.from) nodes.push(h("p", {}, "It was ", h("span", { className: "address", textContent: item.from }), " until now."));
  if (item.chain) nodes.push(...chain("Because of", item.chain));
  if (item.attributes.length) nodes.push(h("table", {}, h("tbody", {}, ...item.attributes.map((attribute) => h("tr", {},
    h("td", { className: "path", textContent: attribute.path }),
    h("td", { className: "value" }, ...difference(attribute, item.group),
      attribute.forces ? h("span", { className: "forces", textContent: "  forces replacement" }) : undefined))))));
  if (item.takes) nodes.push(...chain(`Takes along ${plural(item.takes.length, "resource")}`, item.takes));
  const other = item.group === "drift" ? changeAt.get(item.address) : driftAt.get(item.address);
  if (other) nodes.push(h("p", {}, h("button", { type: "button", className: "link", onclick: () => open(other),
    textContent: item.group === "drift" ? "What apply does about it" : "It changed outside osiris too" })));
  if (!nodes.length) nodes.push(h("p", { className: "faint", textContent: "No attributes are recorded." }));
  return nodes;
}

function difference(attribute, group) {
  if (attribute.lines) {
    return [h("pre", {}, ...attribute.lines.map(([mark, text]) =>
      h(mark === "+" ? "ins" : mark === "-" ? "del" : "span", { textContent: `${mark} ${text}\n` })))];
  }
  const { before, after } = attribute;
  if (before === undefined && after === undefined) return [];
  if (after === undefined && group === "delete") return [before];
  if (before === undefined) return [group === "create" ? after : h("ins", { textContent: after })];
  if (after === undefined) return [h("del", { textContent: before })];
  let head = 0;
  while (head < before.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(before.length, after.length) - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  // Between characters of two halves there is no place for a mark.
  if (/[\ud800-\udbff]/.test(before[head - 1] ?? "")) head -= 1;
  const side = (text, tag) => [text.slice(0, head), h(tag, { textContent: text.slice(head, text.length - tail) }), text.slice(text.length - tail)];
  return [...side(before, "del"), " → ", ...side(after, "ins")];
}
