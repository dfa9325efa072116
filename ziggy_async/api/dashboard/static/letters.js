// Dead letters: grouped, searched, requeued or discarded, one or many.

import {ask, post} from "./actions.js";
import {clock, el, isReadOnly, plural, say, whenQuiet, whole} from "./dom.js";
import {Table} from "./table.js";

const PAGE = 100;

export function open(root, {follow, params, replace}) {
  const matching = () => ({operation: params.get("operation") ?? "", reason: params.get("reason") ?? "", search: params.get("search") ?? ""});
  let offset = 0;
  let matched = 0;
  const search = el("input", {type: "search", value: params.get("search") ?? "", placeholder: "search tasks, functions, errors", maxlength: "200", "aria-label": "Search", "data-find": "", oninput: whenQuiet(() => {
    set("search", search.value);
  })});
  const groups = new Table({
    label: "Operations and reasons",
    empty: "no dead letters",
    id: ({operation, reason}) => `${operation} ${reason}`,
    onOpen: ({operation, reason}) => {
      const isOpen = params.get("operation") === operation && params.get("reason") === reason;
      set("operation", isOpen ? "" : operation, "reason", isOpen ? "" : reason);
    },
    columns: [
      {title: "Operation", name: "operation", text: ({operation}) => operation},
      {title: "Reason", name: "reason", text: ({reason}) => reason, tone: () => "bad"},
      {title: "Letters", name: "count", number: true, text: ({count}) => whole(count)},
    ],
  });
  const act = async (what, selection, count) => {
    const isSure = what === "requeue" || (await ask([el("p", {}, `Discard ${plural(count, "dead letter")} for good?`)], ["Discard", "Keep"])) === "Discard";
    if (isSure && (await post(`page/letters/${what}`, selection))) letters.selected.clear();
  };
  const button = (text, work) => el("button", {type: "button", onclick: work}, text);
  const selection = () => (letters.selected.size ? [{ids: [...letters.selected]}, letters.selected.size] : [{matching: matching()}, matched]);
  const requeue = isReadOnly ? null : button("Requeue all", () => act("requeue", ...selection()));
  const discard = isReadOnly ? null : button("Discard all", () => act("discard", ...selection()));
  const choose = () => {
    const count = letters.selected.size;
    for (const [each, text] of [[requeue, "Requeue"], [discard, "Discard"]]) {
      if (!each) continue;
      say(each, count ? `${text} ${whole(count)}` : `${text} all ${whole(matched)}`);
      each.disabled = !count && !matched;
    }
  };
  const letters = new Table({
    label: "Dead letters",
    empty: "no dead letters match",
    id: ({id}) => id,
    onSelect: isReadOnly ? null : choose,
    onOpen: showLetter,
    columns: [
      {title: "Task", name: "task", text: ({task_id: id}) => id},
      {title: "Operation", name: "operation", text: ({group}) => group.split(":").at(-1), hint: ({group}) => group, tone: () => "faint"},
      {title: "Reason", name: "reason", text: ({reason}) => reason, tone: () => "bad"},
      {title: "Died", name: "died", number: true, text: ({died_at: at}) => clock(at)},
      {title: "Error", name: "error", text: ({attempts}) => attempts.at(-1)?.error ?? "", hint: ({attempts}) => attempts.at(-1)?.error ?? "", tone: () => "wide"},
      {title: "Arguments", name: "arguments", text: (letter) => letter.arguments ?? "", hint: (letter) => letter.arguments ?? "", tone: () => "faint wide"},
      ...(isReadOnly ? [] : [{title: "", name: "actions", node: ({id, can_requeue: can, why_not: why}) => el("span", {className: "actions"},
        el("button", {type: "button", disabled: !can, title: why ?? "Put its task into the queue again", onclick: () => act("requeue", {ids: [id]}, 1)}, "Requeue"),
        el("button", {type: "button", className: "quiet", title: "Throw it away", onclick: () => act("discard", {ids: [id]}, 1)}, "Discard"))}]),
    ],
  });
  const chosen = el("button", {type: "button", className: "chip", hidden: true, title: "Show all", onclick: () => set("operation", "", "reason", "")});
  const pager = new Pager(PAGE, (next) => {
    offset = next;
    start();
  });
  root.append(
    el("div", {className: "title"}, el("h2", {}, "Dead letters"), search, chosen, el("span", {className: "grow"}), requeue, discard),
    el("section", {className: "panel groups"}, groups.element),
    el("section", {className: "panel"}, letters.element, pager.element),
  );
  function set(...pairs) {
    for (let at = 0; at < pairs.length; at += 2) {
      if (pairs[at + 1]) params.set(pairs[at], pairs[at + 1]);
      else params.delete(pairs[at]);
    }
    offset = 0;
    replace(params);
    start();
  }
  function start() {
    const {operation, reason} = matching();
    chosen.hidden = !operation && !reason;
    say(chosen, `${operation} · ${reason} ×`);
    follow(`letters?${new URLSearchParams({...matching(), offset, limit: PAGE})}`, {
      letters: (body) => {
        matched = body.matched;
        groups.update(body.groups);
        groups.mark(`${operation} ${reason}`);
        letters.update(body.letters);
        pager.show(offset, body.letters.length, body.matched, body.total);
        choose();
      },
    });
  }
  start();
  return {table: letters};
}

function showLetter(letter) {
  const facts = [
    ["Task", letter.task_id], ["Operation", letter.operation], ["Function", letter.function], ["Arguments", letter.arguments],
    ["Died", `${clock(letter.died_at)}, ${letter.reason}`], ["Requeued from", letter.requeued_from], ["Cannot be requeued", letter.why_not], ["Id", letter.id],
  ].filter(([, value]) => value);
  const attempts = letter.attempts.map(({began, seconds, error}) => el("li", {}, `${clock(began)}, after ${seconds.toFixed(3)} s: ${error}`));
  ask([
    el("h3", {}, letter.task_id),
    el("dl", {className: "facts tall"}, ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    el("h4", {}, "Attempts"),
    attempts.length ? el("ol", {}, ...attempts) : el("p", {className: "faint"}, "none: it never ran"),
  ], ["Close"]);
}

// Which rows are shown of how many, and the buttons to the pages beside.
export class Pager {
  constructor(size, go) {
    this.size = size;
    this.text = el("span", {});
    this.before = el("button", {type: "button", className: "quiet", "aria-label": "The page before", onclick: () => go(Math.max(0, this.offset - size))}, "‹");
    this.after = el("button", {type: "button", className: "quiet", "aria-label": "The next page", onclick: () => go(this.offset + size)}, "›");
    this.element = el("div", {className: "pager"}, this.before, this.text, this.after);
  }

  show(offset, count, matched, total) {
    this.offset = offset;
    const range = count ? `${whole(offset + 1)}–${whole(offset + count)} of ${whole(matched)}` : "none";
    say(this.text, matched === total ? range : `${range}, out of ${whole(total)}`);
    this.before.disabled = offset === 0;
    this.after.disabled = offset + count >= matched;
  }
}
