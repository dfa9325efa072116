// Overview: health with its reasons, and what the computer did in the last minutes.

import {el, fixed, milliseconds, plural, say, seconds, whole} from "./dom.js";
import {Plot} from "./plot.js";

const CARDS = [
  {title: "Loop lag", unit: "ms", format: milliseconds, lines: [["p99", "lag_p99", "--c2"], ["p50", "lag_p50", "--c1"]]},
  {title: "Operations", unit: "a second", format: (value) => fixed(value, value < 10 ? 1 : 0), lines: [["", "operations", "--c1", true]]},
  {title: "Latency", unit: "ms", format: milliseconds, lines: [["p99", "p99", "--c2"], ["p95", "p95", "--c3"], ["p50", "p50", "--c1"]]},
  {title: "Queue depth", unit: "tasks", format: whole, lines: [["", "queued", "--c4", true]]},
  {title: "Running", unit: "tasks", format: whole, lines: [["", "running", "--c5", true]]},
  {title: "Workers", unit: "", format: whole, lines: [["", "workers", "--c1", false, true]]},
];
const OFFSET = new Date().getTimezoneOffset() * 60; // plots show times as if they were UTC

export function open(root, {follow}) {
  const health = el("p", {id: "health"});
  const cards = CARDS.map(makeCard);
  const facts = el("dl", {className: "facts"});
  root.append(
    el("div", {className: "title"}, el("h2", {}, "Overview"), health),
    el("div", {className: "cards"}, ...cards.map(({element}) => element)),
    el("section", {className: "panel"}, facts),
  );
  let names = [];
  follow("overview", {
    status: ({status, issues}) => {
      health.className = `health ${status.replace(" ", "-")}`;
      say(health, status === "healthy" ? "Healthy" : `${status[0].toUpperCase()}${status.slice(1)}${issues.length ? `: ${issues.join("; ")}` : ""}`);
    },
    history: (body) => {
      names = body.names;
      for (const card of cards) card.set(names, body.rows);
    },
    samples: (body) => {
      for (const card of cards) body.rows.forEach((row) => card.add(names, row));
    },
    overview: (body) => showFacts(facts, body),
  });
  return {
    close: () => cards.forEach(({plot}) => plot.remove()),
    restyle: () => cards.forEach(({plot}) => plot.restyle()),
  };
}

function makeCard({title, unit, format, lines}) {
  const values = lines.map(([label, , color]) => {
    const value = el("b", {}, "–");
    const name = label ? el("span", {className: "key"}, el("i", {className: color.slice(2)}), label) : null;
    return {value, element: el("span", {className: "now"}, name, value)};
  });
  const space = el("div", {className: "plot", "aria-hidden": "true"});
  const element = el(
    "section",
    {className: "panel card"},
    el("h3", {}, title, unit ? el("small", {}, ` ${unit}`) : null),
    el("div", {className: "nows"}, ...values.map((each) => each.element)),
    space,
  );
  const plot = new Plot(space, lines.map(([, , color, filled, steps]) => ({color, filled, steps})), format, format === whole);
  const pointOf = (names, row) => [Math.round(row[0]) - OFFSET, ...lines.map(([, name]) => row[names.indexOf(name)])];
  let latest = 0;
  const show = (point) => {
    latest = point[0];
    values.forEach(({value}, at) => {
      if (point[at + 1] !== null) say(value, format(point[at + 1]));
    });
  };
  return {
    element,
    plot,
    set: (names, rows) => {
      const points = rows.map((row) => pointOf(names, row)).filter(([time], at, all) => at === 0 || time > all[at - 1][0]);
      plot.set(points);
      points.forEach(show);
    },
    add: (names, row) => {
      const point = pointOf(names, row);
      if (point[0] <= latest) return;
      plot.add(point);
      show(point);
    },
  };
}

function showFacts(list, {metrics, counts, workers, stuck, letters}) {
  const facts = [
    ["Tasks submitted", whole(counts.submitted)],
    ["Succeeded", whole(counts.succeeded)],
    ["Failed", whole(counts.failed)],
    ["Cancelled", whole(counts.cancelled)],
    ["Dead", whole(counts.dead)],
    ["Retried", whole(counts.retried)],
    ["Queue", `${whole(metrics.queue_depth)} of ${whole(metrics.queue_capacity)}`],
    ["Oldest waits", metrics.queue_depth ? seconds(metrics.oldest_waiting_s) : "–"],
    ["Workers", stuck ? `${whole(workers)}, ${plural(stuck, "stuck thread")}` : whole(workers)],
    ["Dead letters", whole(letters.letters)],
    ["Success rate", metrics.total_operations ? `${fixed(metrics.success_rate, 1)} %` : "–"],
    ["Slowest", metrics.total_operations ? `${milliseconds(metrics.max_latency_ms)} ms` : "–"],
  ];
  if (list.childElementCount !== facts.length) {
    list.replaceChildren(...facts.map(([name]) => el("div", {}, el("dt", {}, name), el("dd"))));
  }
  facts.forEach(([, value], at) => say(list.children[at].lastChild, value));
}
