// Operations: each kind with its count, errors, waiting and running; and the slowest recent ones.

import {clock, el, milliseconds, whole} from "./dom.js";
import {Table} from "./table.js";

const phase = (name, field) => ({text: ({[name]: durations}) => (durations.count ? milliseconds(durations[field]) : "–"), number: true});

export function open(root, {follow}) {
  const kinds = new Table({
    label: "Kinds of operations",
    empty: "no operations yet",
    id: ({kind}) => kind,
    columns: [
      {title: "Kind", name: "kind", text: ({kind}) => kind},
      {title: "Count", name: "count", number: true, text: ({count}) => whole(count)},
      {title: "Errors", name: "errors", number: true, text: ({errors}) => whole(errors), tone: ({errors}) => (errors ? "bad" : "faint")},
      {title: "waiting p50", name: "w50", ...phase("waiting", "p50_ms")},
      {title: "p99", name: "w99", ...phase("waiting", "p99_ms")},
      {title: "running p50", name: "r50", ...phase("running", "p50_ms")},
      {title: "p99", name: "r99", ...phase("running", "p99_ms")},
      {title: "total p50", name: "t50", ...phase("total", "p50_ms")},
      {title: "p95", name: "t95", ...phase("total", "p95_ms")},
      {title: "p99", name: "t99", ...phase("total", "p99_ms")},
      {title: "max", name: "max", ...phase("total", "max_ms")},
    ],
  });
  const slowest = new Table({
    label: "The slowest operations",
    empty: "no operations yet",
    id: ({operation, timestamp}) => `${timestamp} ${operation}`,
    columns: [
      {title: "Operation", name: "operation", text: ({operation}) => operation},
      {title: "ms", name: "ms", number: true, text: ({duration_ms: duration}) => milliseconds(duration)},
      {title: "Began", name: "began", number: true, text: ({timestamp}) => clock(timestamp)},
      {title: "Error", name: "error", text: ({error}) => error ?? "", tone: () => "bad wide"},
    ],
  });
  root.append(
    el("div", {className: "title"}, el("h2", {}, "Operations"), el("p", {className: "faint"}, "milliseconds, since the last clear")),
    el("section", {className: "panel"}, kinds.element),
    el("h3", {}, "The slowest of the last 1,000"),
    el("section", {className: "panel"}, slowest.element),
  );
  follow("operations", {
    operations: (body) => {
      kinds.update(Object.entries(body.operations).map(([kind, figures]) => ({kind, ...figures})));
      slowest.update(body.slowest);
    },
  });
  return {table: kinds};
}
