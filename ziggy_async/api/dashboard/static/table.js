// A table whose rows stay the same elements while their figures change, so that focus and selection stay too.

import {el, say} from "./dom.js";

// columns: [{title, name, number, sort, text(row), tone(row), hint(row), node(row), flash}]: what a cell shows as text,
//   its class, its tooltip, or an element that is made once; `sort`: the key that a click on the title sorts by.
// id(row): what tells rows apart. onOpen(row): of a click or Enter. onSort(key). onSelect(): rows may be chosen.
export class Table {
  constructor({columns, id, onOpen, onSort, onSelect, empty = "nothing here", label = ""}) {
    Object.assign(this, {id, onOpen, onSort, onSelect, selected: new Set(), rows: new Map(), order: []});
    this.head = el("thead");
    this.body = el("tbody");
    this.none = el("p", {className: "none", hidden: true}, empty);
    this.table = el("table", {"aria-label": label}, this.head, this.body);
    this.element = el("div", {className: "scroll", tabIndex: -1}, this.table, this.none);
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.body.addEventListener("keydown", (event) => this.pressed(event));
    this.setColumns(columns);
  }

  setColumns(columns, sorted = "") {
    const names = JSON.stringify([columns.map(({title, name, remove}) => [title, name, Boolean(remove)]), sorted]);
    if (names === this.names) return;
    const isSame = this.columns?.length === columns.length && this.columns.every((each, at) => each.name === columns[at].name);
    this.names = names;
    this.columns = columns;
    const cells = columns.map((column) => this.title(column, sorted));
    if (this.onSelect) cells.unshift(el("th", {className: "pick"}, this.pickAll()));
    this.head.replaceChildren(el("tr", {}, ...cells));
    if (!isSame) {
      this.body.replaceChildren();
      this.rows.clear();
    }
  }

  title({title, number, sort, remove}, sorted) {
    const way = sort && sorted === sort ? "ascending" : sort && sorted === `-${sort}` ? "descending" : null;
    const inside = sort
      ? el("button", {type: "button", className: "sort", title: `Sort by ${title}`, onclick: () => this.onSort(way === "descending" ? sort : `-${sort}`)}, title)
      : el("span", {}, title);
    const close = remove && el("button", {type: "button", className: "remove", title: `Remove ${title}`, "aria-label": `Remove ${title}`, onclick: remove}, "×");
    return el("th", {scope: "col", className: number ? "number" : "", "aria-sort": way}, inside, close);
  }

  pickAll() {
    this.all = el("input", {type: "checkbox", "aria-label": "All rows", onchange: () => {
      this.selected = new Set(this.all.checked ? this.rows.keys() : []);
      for (const [id, {pick}] of this.rows) pick.checked = this.selected.has(id);
      this.onSelect();
    }});
    return this.all;
  }

  update(rows) {
    this.order = rows;
    const ids = rows.map((row) => String(this.id(row)));
    const present = new Set(ids);
    for (const [id, {line}] of this.rows) {
      if (present.has(id)) continue;
      line.remove();
      this.rows.delete(id);
      this.selected.delete(id);
    }
    let before = null;
    rows.forEach((row, at) => {
      const shown = this.rows.get(ids[at]) ?? this.add(ids[at], row);
      shown.row = row;
      this.columns.forEach((column, place) => this.fill(shown.cells[place], column, row));
      const next = before ? before.nextSibling : this.body.firstChild;
      if (shown.line !== next) this.body.insertBefore(shown.line, next);
      before = shown.line;
    });
    const focusable = this.body.querySelector('tr[tabindex="0"]');
    if (!focusable && this.body.firstChild) this.body.firstChild.tabIndex = 0;
    this.none.hidden = rows.length > 0;
    if (this.all) this.all.checked = rows.length > 0 && this.selected.size === rows.length;
  }

  add(id, row) {
    const cells = this.columns.map(({number, node}) => el("td", {className: number ? "number" : ""}, node ? node(row) : null));
    const line = el("tr", {tabIndex: -1}, ...cells);
    const shown = {line, cells, row, pick: null};
    if (this.onSelect) {
      shown.pick = el("input", {type: "checkbox", checked: this.selected.has(id), "aria-label": "Choose", onchange: () => {
        if (shown.pick.checked) this.selected.add(id);
        else this.selected.delete(id);
        this.onSelect();
      }});
      line.prepend(el("td", {className: "pick"}, shown.pick));
    }
    line.dataset.id = id;
    this.rows.set(id, shown);
    return shown;
  }

  fill(cell, {text, tone, hint, number, flash}, row) {
    if (!text) return;
    const next = text(row);
    const last = cell.textContent;
    if (last !== next) {
      say(cell, next);
      if (flash && last !== "") {
        cell.getAnimations?.().forEach((each) => each.cancel());
        const isUp = flash(row) >= (cell.value ?? 0);
        cell.animate?.([{backgroundColor: isUp ? "var(--flash-up)" : "var(--flash-down)"}, {}], 700);
      }
    }
    if (flash) cell.value = flash(row);
    const name = `${number ? "number " : ""}${tone?.(row) ?? ""}`.trim();
    if (cell.className !== name) cell.className = name;
    const title = hint?.(row) ?? "";
    if (cell.title !== title) cell.title = title;
  }

  mark(id) {
    for (const [each, {line}] of this.rows) line.classList.toggle("marked", each === String(id));
  }

  shownOf(target) {
    return this.rows.get(target.closest("tr")?.dataset.id);
  }

  clicked(event) {
    const shown = this.shownOf(event.target);
    if (shown && !event.target.closest("button, input, a")) this.onOpen?.(shown.row);
  }

  pressed(event) {
    const shown = this.shownOf(event.target);
    if (!shown || event.target !== shown.line) return;
    if (event.key === "Enter") this.onOpen?.(shown.row);
    else if ((event.key === " " || event.key === "x") && shown.pick) shown.pick.click();
    else return;
    event.preventDefault();
  }

  // Moves the focus by so many rows, to the first one at first.
  move(by) {
    const lines = [...this.body.children];
    const now = lines.indexOf(document.activeElement?.closest?.("tr"));
    const next = lines[Math.min(Math.max(now < 0 ? 0 : now + by, 0), lines.length - 1)];
    if (!next) return;
    for (const line of lines) line.tabIndex = line === next ? 0 : -1;
    next.focus();
  }
}
