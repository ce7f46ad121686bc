// Small charts as SVG. Data never becomes markup: nodes are made one by one.

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** The last `count` minutes, oldest first, those without calls too. */
function everyMinute(minutes, now, count) {
  const known = new Map(minutes.map((minute) => [minute.t, minute]));
  const last = Math.floor(now / 60) * 60;
  return Array.from({ length: count }, (_, index) => {
    const t = last - (count - 1 - index) * 60;
    return known.get(t) ?? { t, calls: 0, errors: 0, p50: null, p99: null };
  });
}

/** Bars of calls, errors in front; `label` is what a screen reader says. */
function barChart(minutes, label, className = "") {
  const most = Math.max(1, ...minutes.map((minute) => minute.calls));
  const chart = frame(minutes.length, label, className);
  minutes.forEach((minute, x) => {
    for (const [count, name] of [[minute.calls, "bar"], [minute.errors, "err"]]) {
      if (count === 0) continue;
      const height = Math.max(2, (count / most) * 100);
      chart.append(svg("rect", { class: name, x: x + 0.1, y: 100 - height, width: 0.8, height }));
    }
  });
  return chart;
}

/** Lines of values; null is a gap. `lines` is a list of [class name, values]. */
function lineChart(lines, most, label) {
  const chart = frame(lines[0][1].length, label, "");
  for (const [name, values] of lines) {
    let stretch = [];
    const end = () => {
      // One value alone is no line: it is drawn as wide as its minute.
      if (stretch.length === 1) stretch = [[stretch[0][0] - 0.4, stretch[0][1]], [stretch[0][0] + 0.4, stretch[0][1]]];
      if (stretch.length) chart.append(svg("polyline", { class: name, points: stretch.map((p) => p.join()).join(" ") }));
      stretch = [];
    };
    values.forEach((value, x) => {
      if (value === null) return end();
      stretch.push([x + 0.5, 98 - (value / most) * 94]);
    });
    end();
  }
  return chart;
}

function frame(width, label, className) {
  return svg(
    "svg",
    { viewBox: `0 0 ${width} 100`, preserveAspectRatio: "none", role: "img", "aria-label": label, class: className },
    svg("line", { class: "base", x1: 0, x2: width, y1: 100, y2: 100 }));
}
