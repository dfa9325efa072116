// The page: which of its views is shown, the line on top, keys, light and dark.

import {ask} from "./actions.js";
import {el, isReadOnly, milliseconds, say, whole} from "./dom.js";
import * as letters from "./letters.js";
import * as market from "./market.js";
import * as operations from "./operations.js";
import * as overview from "./overview.js";
import * as scaling from "./scaling.js";
import {follow, watchState} from "./stream.js";
import * as tasks from "./tasks.js";

const VIEWS = [
  ["overview", "Overview", overview],
  ["operations", "Operations", operations],
  ["tasks", "Tasks", tasks],
  ["letters", "Dead letters", letters],
  ["scaling", "Scaling", scaling],
  ["market", "Market", market],
];
const KEYS = [
  ["1 – 6", "the pages"], ["/", "the filter or search"], ["j  k", "the next row, the one before"], ["Enter", "open the row"],
  ["x", "choose the row"], ["[  ]", "chart of the ticker before, of the next"], ["d", "light, dark, as the system"], ["Esc", "out of a field"],
];
const THEMES = ["system", "light", "dark"];
const THEME = "ziggy_async.theme";

const root = document.getElementById("view");
const tabs = document.getElementById("tabs");
const trouble = document.getElementById("trouble");
const system = matchMedia("(prefers-color-scheme: dark)");
let current = {};
let shownHash = null;

// --- views

function show() {
  if (location.hash === shownHash) return;
  shownHash = location.hash;
  const [name, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [key, title, view] = VIEWS.find(([each]) => each === name) ?? VIEWS[0];
  current.close?.();
  root.replaceChildren();
  root.className = key;
  document.title = `${title} · ziggy_async`;
  for (const tab of tabs.children) tab.toggleAttribute("aria-current", tab.dataset.view === key);
  tabs.querySelector("[aria-current]").scrollIntoView({block: "nearest", inline: "nearest"});
  current = view.open(root, {
    params: new URLSearchParams(query),
    isDark,
    follow: (path, handlers) => follow(`page/events/${path}`, {
      ...handlers,
      status: (body) => {
        showStatus(body);
        handlers.status?.(body);
      },
      failed: ({message}) => showTrouble(message),
    }),
    replace: (params) => {
      shownHash = `#/${key}${params.size ? `?${params}` : ""}`;
      history.replaceState(null, "", shownHash);
    },
  });
}

function showStatus({status, issues, lag_p99_ms: lag, dead_letters: count}) {
  const line = document.getElementById("status");
  const pill = line.firstChild ?? line.appendChild(el("span"));
  pill.className = `pill ${status.replace(" ", "-")}`;
  pill.title = issues.join("\n");
  say(pill, status);
  const lagged = line.children[1] ?? line.appendChild(el("span", {className: "faint", title: "99 % of the loop's delays in the last one to two minutes"}));
  say(lagged, `lag ${milliseconds(lag)} ms`);
  const badge = tabs.querySelector('[data-view="letters"] b');
  say(badge, count ? whole(count) : "");
  showTrouble("");
}

function showTrouble(text) {
  trouble.hidden = !text;
  say(trouble, text);
}

watchState((state) => {
  document.body.dataset.stream = state;
  if (state === "lost") showTrouble("The server does not answer this page any more; it is asked again every few seconds. Reload the page if you have to log in.");
});

// --- light and dark

let theme = "system";
try {
  theme = localStorage.getItem(THEME) ?? theme;
} catch {
  // as the system
}

function isDark() {
  return theme === "dark" || (theme !== "light" && system.matches);
}

function applyTheme() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  const button = document.getElementById("theme");
  say(button, {system: "◐", light: "○", dark: "●"}[theme] ?? "◐");
  button.title = `Light or dark (d): ${theme}`;
  current.restyle?.(isDark());
}

function nextTheme() {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    // for this time only
  }
  applyTheme();
}

// --- keys

function showKeys() {
  ask([el("h3", {}, "Keys"), el("dl", {className: "keys"}, ...KEYS.map(([key, what]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, what))))], ["Close"]);
}

const COMMANDS = {
  "/": () => root.querySelector("[data-find]")?.focus(),
  "j": () => current.table?.move(1),
  "k": () => current.table?.move(-1),
  "]": () => current.step?.(1),
  "[": () => current.step?.(-1),
  "d": nextTheme,
  "?": showKeys,
};
VIEWS.forEach(([key], at) => {
  COMMANDS[at + 1] = () => {
    location.hash = `#/${key}`;
  };
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches?.("input:not([type=checkbox]), textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const isMove = event.key === "ArrowDown" || event.key === "ArrowUp";
  if (isMove && event.target.closest?.("tbody")) current.table?.move(event.key === "ArrowDown" ? 1 : -1);
  else if (COMMANDS[event.key]) COMMANDS[event.key]();
  else return;
  event.preventDefault();
});

// --- the beginning

tabs.append(...VIEWS.map(([key, title]) => el("a", {href: `#/${key}`, "data-view": key}, title, el("b"))));
document.querySelector("header").classList.toggle("read-only", isReadOnly);
document.getElementById("theme").addEventListener("click", nextTheme);
document.getElementById("help").addEventListener("click", showKeys);
system.addEventListener("change", applyTheme);
window.addEventListener("hashchange", show);
applyTheme();
show();
