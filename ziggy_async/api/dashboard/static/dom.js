// Elements, and how figures are written. Text is only ever set as text, never as markup.

export const isReadOnly = document.body.dataset.mode === "read-only";

// An element with properties ("class", "on…", attributes; those that are null or false are left out) and children.
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name === "className" ? "class" : name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Sets the text of an element if it is another one, so that a selection stays.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const NONE = "–";
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export const whole = (value) => (isNumber(value) ? Math.round(value).toLocaleString("en") : NONE);

export function fixed(value, decimals = 2) {
  return isNumber(value) ? value.toLocaleString("en", {minimumFractionDigits: decimals, maximumFractionDigits: decimals}) : NONE;
}

const short = new Intl.NumberFormat("en", {notation: "compact", minimumFractionDigits: 1, maximumFractionDigits: 1});
export const compact = (value) => (isNumber(value) ? short.format(value) : NONE);

// Two decimals, more below 1; large ones short.
export function figure(value) {
  if (!isNumber(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 1e6) return short.format(value);
  return fixed(value, size >= 1 || size === 0 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(size))));
}

export const signed = (value, decimals = 2) =>
  isNumber(value) ? `${value > 0 ? "+" : value < 0 ? "−" : ""}${fixed(Math.abs(value), decimals)}` : NONE;

export function milliseconds(value) {
  if (!isNumber(value)) return NONE;
  return value < 1 ? fixed(value, 3) : value < 100 ? fixed(value, 2) : whole(value);
}

export function seconds(value) {
  if (!isNumber(value)) return NONE;
  if (value < 1) return `${fixed(value * 1e3, value < 0.01 ? 2 : 0)} ms`;
  if (value < 120) return `${fixed(value, 1)} s`;
  if (value < 7200) return `${whole(value / 60)} min`;
  return `${fixed(value / 3600, 1)} h`;
}

// The time of day of a moment in ISO 8601 or in seconds, with the date unless it is today's.
export function clock(moment) {
  const date = typeof moment === "number" ? new Date(moment * 1e3) : new Date(moment);
  if (Number.isNaN(date.getTime())) return NONE;
  const time = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString() ? time : `${isoDay(date)} ${time}`;
}

const isoDay = (date) =>
  `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;

export const plural = (count, word) => `${whole(count)} ${word}${count === 1 ? "" : "s"}`;

// Calls `work` when there has been no further call for a while, nor one of `cancel`.
export function whenQuiet(work, delay = 350) {
  let timer = 0;
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), delay);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

// Fills `element` with why a formula cannot be used, and the formula with the place marked; empties it without a fault.
export function showFault(element, formula, fault) {
  element.hidden = !fault;
  if (!fault) {
    element.replaceChildren();
    return;
  }
  const {message, start, end} = fault;
  const text = formula.trim();
  const place = text.slice(start, Math.max(end, start + 1)) || " ";
  element.replaceChildren(
    el("span", {}, message),
    el("code", {}, text.slice(0, start), el("mark", {}, place), text.slice(Math.max(end, start + 1))),
  );
}
