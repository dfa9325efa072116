// Scaling: how many workers there are, and why.

import {clock, el, plural, say, whole} from "./dom.js";
import {Table} from "./table.js";

export function open(root, {follow}) {
  const sentence = el("p");
  const table = new Table({
    label: "Decisions",
    empty: "no decisions: the number of workers is fixed (ASYNC_FEATURES_MIN_WORKERS and _MAX_WORKERS let it follow the load)",
    id: ({at, before, workers}) => `${at} ${before} ${workers}`,
    columns: [
      {title: "From", name: "at", number: true, text: ({at}) => clock(at)},
      {title: "Workers", name: "workers", number: true, text: ({before, workers}) => (before === workers ? whole(workers) : `${whole(before)} → ${whole(workers)}`), tone: ({before, workers}) => (workers > before ? "good" : workers < before ? "busy" : "faint")},
      {title: "Looks", name: "count", number: true, text: ({count}) => whole(count), tone: () => "faint"},
      {title: "Reason", name: "reason", text: ({reason}) => reason ?? "", hint: ({reason}) => reason ?? "", tone: () => "wide"},
    ],
  });
  root.append(el("div", {className: "title"}, el("h2", {}, "Scaling"), sentence), el("section", {className: "panel"}, table.element));
  follow("scaling", {
    scaling: (body) => {
      const limits = body.adaptive ? `, between ${whole(body.min_workers)} and ${whole(body.max_workers)}` : "";
      const stuck = body.stuck_threads ? `; ${plural(body.stuck_threads, "stuck thread")}` : "";
      say(sentence, `${plural(body.workers, "worker")}${limits}${stuck}; ${whole(body.load.queued)} queued, ${whole(body.load.running)} running`);
      table.update(body.decisions.slice().reverse());
    },
  });
  return {table};
}
