// The timeline of an apply: what ran when, and the operations it could not have ended sooner without.

const WAITS = { start: "", need: "needs it", turn: "its machine's turn in the rollout", place: "a place among those that run" };
const CLASSES = { forget: "delete", "put back": "replace" };

function drawTimeline(view) {
  const { operations, critical, marks, skipped } = data.timeline;
  const total = data.timeline.seconds || 0.001;
  const on = new Set(critical.map((step) => step.operation));
  const busy = critical.reduce((sum, step) => sum + operations[step.operation].end - operations[step.operation].start, 0);
  view.append(h("h2", { textContent: "Critical path" }), h("p", {},
    `${seconds(total)} in all, ${seconds(busy)} of it in ${plural(critical.length, "operation")} that had to follow each other`
    + `; at most ${data.timeline.parallelism} at once.`));
  view.append(h("div", { className: "steps" }, h("table", { className: "path-table" },
    h("thead", {}, h("tr", {}, ...["Operation", "Waited for the one above because of", "Idle", "Took", "Ended"].map((text, index) =>
      h("th", { className: index > 1 ? "n" : "", textContent: text })))),
    h("tbody", {}, ...critical.map((step) => {
      const run = operations[step.operation];
      return h("tr", {},
        h("td", {}, h("span", { className: CLASSES[run.action] ?? run.action, textContent: `${run.action} ` }), h("code", { textContent: run.address })),
        h("td", { className: "faint", textContent: WAITS[step.wait] }),
        h("td", { className: "n", textContent: seconds(step.idle) }),
        h("td", { className: "n", textContent: seconds(run.end - run.start) }), h("td", { className: "n", textContent: seconds(run.end) }));
    })))));
  if (marks.length) {
    view.append(h("h2", { textContent: "What happened besides" }),
      h("ul", { className: "marks" }, ...marks.slice(0, 500).map((mark) => h("li", { textContent: `${seconds(mark.at)}  ${mark.text}` }))));
  }
  if (skipped.length) {
    view.append(h("h2", { className: "failed", textContent: `Not started: ${skipped.length.toLocaleString("en")}` }),
      h("ul", { className: "marks" }, ...skipped.slice(0, 500).map((one) => h("li", {}, h("code", { textContent: one.address }), " because of ", h("code", { textContent: one.because })))));
  }
  const title = h("h2", {});
  const box = h("div", {});
  const scale = h("div", { className: "scale", "aria-hidden": "true" });
  for (let part = 0; part <= 4; part += 1) {
    const mark = h("span", { textContent: seconds((total * part) / 4) });
    mark.style.left = `${part * 25}%`;
    scale.append(mark);
  }
  view.append(title, scale, box);
  const rows = operations.map((run, index) => bar(run, on.has(index), total));
  return function show(isShown) {
    const found = operations.map((run, index) => (isShown(run.address) ? rows[index] : null)).filter(Boolean);
    box.replaceChildren(...found);
    title.textContent = `Timeline: ${plural(found.length, "operation")}` + (found.length < rows.length ? ` of ${rows.length.toLocaleString("en")}` : "");
  };
}

function bar(run, isCritical, total) {
  const failed = run.outcome === "failed";
  const kind = failed ? "failed" : CLASSES[run.action] ?? run.action;
  const note = [run.action, run.address, `${seconds(run.start)} to ${seconds(run.end)}`, run.outcome,
    run.retries ? plural(run.retries, "retry").replace("retrys", "retries") : "", run.fault ?? ""].filter(Boolean).join(", ");
  const mark = h("span", { className: `bar ${kind}` });
  mark.style.left = `${(100 * run.start) / total}%`;
  mark.style.width = `${(100 * (run.end - run.start)) / total}%`;
  const label = h("small", { textContent: (failed ? "failed " : "") + seconds(run.end - run.start) + (run.retries ? ` ↻${run.retries}` : "") });
  // Beside the bar, on the side where there is room.
  if (run.end / total < 0.85) label.style.left = `${(100 * run.end) / total}%`;
  else label.style.right = `${100 - (100 * run.start) / total}%`;
  return h("div", { className: isCritical ? "run critical" : "run", title: note },
    h("span", { className: `address ${kind}`, textContent: run.address }), h("span", { className: "track" }, mark, label));
}
