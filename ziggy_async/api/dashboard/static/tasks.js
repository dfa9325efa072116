// Tasks: queued, running and done; some of them cancelled.

import {post} from "./actions.js";
import {clock, el, isReadOnly, plural, say, seconds, whenQuiet, whole} from "./dom.js";
import {Table} from "./table.js";

const STATES = ["", "waiting", "queued", "running", "succeeded", "failed", "cancelled", "dead"];
const UNDER_WAY = new Set(["waiting", "queued", "running"]);
const TONES = {succeeded: "good", failed: "bad", dead: "bad", running: "busy", cancelled: "faint"};

export function open(root, {follow, params, replace}) {
  const state = STATES.includes(params.get("state")) ? params.get("state") : "";
  const tabs = STATES.map((name) => {
    const count = el("b");
    return {name, count, element: el("a", {href: name ? `#/tasks?state=${name}` : "#/tasks", "aria-current": name === state ? "true" : null}, name || "all", count)};
  });
  const search = el("input", {type: "search", value: params.get("search") ?? "", placeholder: "search tasks, errors", "aria-label": "Search", "data-find": "", maxlength: "200", oninput: whenQuiet(() => {
    if (search.value) params.set("search", search.value);
    else params.delete("search");
    replace(params);
    start();
  })});
  const cancel = isReadOnly ? null : el("button", {type: "button", disabled: true, onclick: async () => {
    const numbers = [...table.selected].map(Number);
    if (await post("api/tasks/cancel", {numbers})) table.selected.clear();
  }}, "Cancel");
  const table = new Table({
    label: "Tasks",
    empty: "no such tasks",
    id: ({number}) => number,
    onSelect: isReadOnly ? null : () => choose(),
    columns: [
      {title: "No.", name: "number", number: true, text: ({number}) => String(number), tone: () => "faint"},
      {title: "Task", name: "task", text: ({task_id: id}) => id},
      {title: "State", name: "state", text: (task) => task.state, tone: (task) => TONES[task.state] ?? ""},
      {title: "Submitted", name: "submitted", number: true, text: ({submitted_at: at}) => clock(at)},
      {title: "Waited", name: "waited", number: true, text: ({waiting_s: waiting}) => seconds(waiting)},
      {title: "Ran", name: "ran", number: true, text: ({running_s: running}) => (running ? seconds(running) : "–")},
      {title: "Priority", name: "priority", number: true, text: ({priority}) => whole(priority)},
      {title: "Failed attempts", name: "attempts", number: true, text: ({attempts}) => (attempts ? whole(attempts) : "–")},
      {title: "Error", name: "error", text: ({error}) => error ?? "", hint: ({error}) => error ?? "", tone: () => "bad wide"},
    ],
  });
  const choose = () => {
    if (!cancel) return;
    const count = [...table.selected].filter((id) => UNDER_WAY.has(table.rows.get(id)?.row.state)).length;
    cancel.disabled = count === 0;
    say(cancel, count ? `Cancel ${plural(count, "task")}` : "Cancel");
  };
  root.append(
    el("div", {className: "title"}, el("h2", {}, "Tasks"), search, el("nav", {className: "filter", "aria-label": "States"}, ...tabs.map(({element}) => element)), cancel),
    el("section", {className: "panel"}, table.element),
    el("p", {className: "faint"}, "The newest 200 of those that are not done and of the last 1,000 that ended."),
  );
  function start() {
    follow(`tasks?${new URLSearchParams({state, search: search.value})}`, {
      tasks: (body) => {
        for (const {name, count} of tabs) say(count, body.counts[name] ? whole(body.counts[name]) : "");
        table.update(body.tasks);
        choose();
      },
    });
  }
  start();
  return {table};
}
