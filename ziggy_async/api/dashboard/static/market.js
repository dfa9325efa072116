// Market: the watchlist with signals and formulas as columns, and the chart of one ticker.

import {drawChart} from "./chart.js";
import {compact, el, figure, fixed, say, showFault, signed, whenQuiet} from "./dom.js";
import {Pager} from "./letters.js";
import {Table} from "./table.js";

const PAGE = 50;
const STORED = "ziggy_async.market";
const DEFAULTS = {column: ["rsi(14)"], overlay: ["ema(20)", "bbands()"], pane: ["rsi(14)"]};

export function open(root, {follow, params, replace, isDark}) {
  const asked = read(params);
  let draft = {column: "", overlay: "", pane: ""}; // what is being typed
  let chart = null;
  let shown = null; // the content of the chart

  // --- the watchlist

  const where = field("Filter", "rsi(14) < 30 and close > sma(200)", asked.where, (text) => {
    asked.where = text;
    asked.offset = 0;
    start();
  }, {"data-find": ""});
  const column = field("Add a column", "close / highest(252) - 1", "", (text) => drafted("column", text), {}, (text) => add("column", text, column));
  const table = new Table({
    label: "Watchlist",
    empty: "no ticker matches",
    id: ({ticker}) => ticker,
    onOpen: ({ticker}) => choose(ticker),
    onSort: (key) => {
      asked.sort = key;
      asked.offset = 0;
      start();
    },
    columns: [],
  });
  const pager = new Pager(PAGE, (offset) => {
    asked.offset = offset;
    start();
  });
  const regime = el("span", {className: "regime"});
  pager.element.prepend(regime);
  const remark = el("p", {className: "remark faint", hidden: true});

  // --- the chart

  const space = el("div", {className: "chart", id: "chart"});
  const sentence = el("p", {className: "sentence"});
  const overlay = field("On the chart", "sma(200)", "", (text) => drafted("overlay", text), {}, (text) => add("overlay", text, overlay));
  const pane = field("Below it", "macd()", "", (text) => drafted("pane", text), {}, (text) => add("pane", text, pane));
  const chips = el("div", {className: "chips"});

  root.append(
    el("h2", {className: "unseen"}, "Market"),
    el("div", {className: "desk"},
      el("section", {className: "panel list"}, el("div", {className: "tools"}, where.element, column.element), table.element, remark, pager.element),
      el("section", {className: "panel charted"}, el("div", {className: "tools"}, overlay.element, pane.element, chips), sentence, space)),
  );

  function drafted(kind, text) {
    draft = {...draft, [kind]: text};
    start();
  }

  function add(kind, text, {input}) {
    if (text && !asked[kind].includes(text)) asked[kind].push(text);
    draft[kind] = "";
    input.value = "";
    start();
  }

  function remove(kind, text) {
    asked[kind] = asked[kind].filter((each) => each !== text);
    start();
  }

  function choose(ticker) {
    if (asked.ticker === ticker) return;
    asked.ticker = ticker;
    start();
  }

  function all(kind) {
    return [...new Set([...asked[kind], draft[kind]])].filter(Boolean);
  }

  function start() {
    write(params, asked);
    replace(params);
    showChips();
    const query = new URLSearchParams({where: asked.where, sort: asked.sort, offset: asked.offset, limit: PAGE, ticker: asked.ticker});
    for (const kind of ["column", "overlay", "pane"]) for (const text of all(kind)) query.append(kind, text);
    follow(`market?${query}`, {watchlist: showWatchlist, chart: showChart, bars: showBars});
    table.mark(asked.ticker);
  }

  function showWatchlist(body) {
    where.fault(asked.where, body.errors[asked.where.trim()]);
    const typed = draft.column;
    column.fault(typed, body.errors[typed]);
    const places = new Map(body.columns.map((formula, at) => [formula, at + 3]));
    const formulas = all("column").filter((formula) => places.has(formula));
    table.setColumns([...COLUMNS, ...formulas.map((formula) => ({
      title: formula, name: formula, number: true, sort: formula, text: ({figures}) => figure(figures[places.get(formula)]),
      tone: () => (formula === typed && !asked.column.includes(formula) ? "draft" : ""),
      remove: asked.column.includes(formula) ? () => remove("column", formula) : null,
    }))], asked.sort);
    table.update(body.rows);
    table.mark(asked.ticker);
    remark.hidden = !body.note;
    say(remark, body.note ?? "");
    say(regime, `${body.regime.regime} ${fixed(body.regime.confidence)}`);
    regime.title = body.regime.explanation;
    pager.show(body.offset, body.rows.length, body.matched, body.total);
    if (!asked.ticker && body.rows.length) choose(body.rows[0].ticker);
  }

  function showChart(content) {
    faults(content);
    if (shown && chart) chart.update(content);
    else chart = drawChart(space, content, {dark: isDark()});
    shown = content;
    showSignal(content);
  }

  function showBars(content) {
    chart?.update(content);
    showSignal(content);
  }

  function faults({errors}) {
    overlay.fault(draft.overlay, errors[draft.overlay]);
    pane.fault(draft.pane, errors[draft.pane]);
  }

  function showSignal({ticker, signal}) {
    if (!signal) {
      sentence.replaceChildren(el("b", {}, ticker), el("span", {className: "faint"}, " no signal now"));
      return;
    }
    const {direction, confidence, reason, entry, stop, target} = signal;
    const levels = [["entry", entry], ["stop", stop], ["target", target]].filter(([, price]) => price !== null)
      .map(([name, price]) => `${name} ${figure(price)}`).join("   ");
    sentence.replaceChildren(
      el("b", {}, ticker),
      el("b", {className: direction === "LONG" ? "good" : "bad"}, ` ${direction} ${fixed(confidence)}  `),
      el("span", {className: "levels"}, levels), el("span", {className: "faint"}, ` ${reason}`));
  }

  function showChips() {
    const each = (kind) => asked[kind].map((text) => el("button", {
      type: "button", className: "chip", title: `Remove ${text}`, "aria-label": `Remove ${text}`, onclick: () => remove(kind, text),
    }, kind === "pane" ? `↓ ${text}` : text, el("span", {"aria-hidden": "true"}, " ×")));
    chips.replaceChildren(...each("overlay"), ...each("pane"));
  }

  start();
  return {
    table,
    close: () => chart?.remove(),
    restyle: (dark) => chart?.restyle({dark}),
    step: (by) => {
      const tickers = table.order.map(({ticker}) => ticker);
      const next = tickers[Math.min(Math.max(tickers.indexOf(asked.ticker) + by, 0), tickers.length - 1)];
      if (next) choose(next);
    },
  };
}

const COLUMNS = [
  {title: "Ticker", name: "ticker", sort: "ticker", text: ({ticker}) => ticker, tone: () => "ticker", hint: ({ticker, time}) => `${ticker}, ${new Date(time / 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`},
  {title: "Close", name: "close", number: true, sort: "close", text: ({figures: [close]}) => figure(close), flash: ({figures: [close]}) => close},
  {title: "Change", name: "change", number: true, sort: "returns(close)", text: ({figures: [, change]}) => (change === null ? "–" : `${signed(change * 100)} %`), tone: ({figures: [, change]}) => (change > 0 ? "good" : change < 0 ? "bad" : "")},
  {title: "Signal", name: "signal", sort: "signal", text: ({signal}) => (signal ? `${signal.direction === "LONG" ? "▲" : "▼"} ${fixed(signal.confidence)}` : ""), tone: ({signal}) => (signal ? (signal.direction === "LONG" ? "good" : "bad") : ""), hint: ({signal}) => signal?.reason ?? ""},
  {title: "Volume", name: "volume", number: true, sort: "volume", text: ({figures: [, , volume]}) => compact(volume), tone: () => "faint"},
];

// An input for a formula: `typed` is told what stands there, `entered` what Enter was pressed at; below it stands why
// the formula cannot be used.
function field(label, placeholder, value, typed, attributes, entered = typed) {
  const fault = el("p", {className: "fault", hidden: true, "aria-live": "polite"});
  const quiet = whenQuiet(typed);
  const input = el("input", {
    type: "text", value, placeholder, "aria-label": label, spellcheck: "false", autocomplete: "off", autocapitalize: "off", maxlength: "1000",
    oninput: () => quiet(input.value.trim()),
    onkeydown: (event) => {
      if (event.key !== "Enter" || !fault.hidden) return;
      quiet.cancel();
      entered(input.value.trim());
    },
    ...attributes,
  });
  return {
    input,
    element: el("div", {className: "field"}, el("label", {}, el("span", {}, label), input), fault),
    fault: (formula, found) => showFault(fault, formula, found),
  };
}

// What is shown stands in the address, so that it can be sent to others, and is kept for the next time.

function read(params) {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch {
    // nothing is kept, or it is not JSON
  }
  const isAddressed = [...params.keys()].length > 0;
  const list = (kind) => {
    const found = isAddressed ? params.getAll(kind) : kept[kind] ?? DEFAULTS[kind];
    return (Array.isArray(found) ? found.filter((text) => typeof text === "string") : []).slice(0, 19);
  };
  const text = (name, otherwise) => String((isAddressed ? params.get(name) : kept[name]) ?? otherwise);
  return {
    where: text("where", ""), sort: text("sort", "ticker"), ticker: text("ticker", ""), offset: 0,
    column: list("column"), overlay: list("overlay"), pane: list("pane"),
  };
}

function write(params, {where, sort, ticker, column, overlay, pane}) {
  for (const name of [...params.keys()]) params.delete(name);
  for (const [name, value] of Object.entries({ticker, sort, where})) if (value) params.set(name, value);
  for (const [name, list] of Object.entries({column, overlay, pane})) for (const text of list) params.append(name, text);
  try {
    localStorage.setItem(STORED, JSON.stringify({where, sort, ticker, column, overlay, pane}));
  } catch {
    // the browser keeps nothing
  }
}

