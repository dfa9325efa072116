// Asks the server to do something, tells what came of it, and asks the user before.

import {el} from "./dom.js";

const NOTE_SECONDS = 6;

export function note(text, isTrouble = false) {
  const line = el("p", {className: isTrouble ? "trouble" : ""}, text);
  document.getElementById("notes").append(line);
  setTimeout(() => line.remove(), NOTE_SECONDS * 1e3);
}

// Posts `body` as JSON; notes the answer's message, or why it was refused. Whether it was done.
export async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body),
    });
    const {message, detail} = await answer.json();
    if (answer.ok) note(message);
    else note(typeof detail === "string" ? detail : `refused: ${answer.status}`, true);
    return answer.ok;
  } catch {
    note("The server does not answer.", true);
    return false;
  }
}

// Shows a dialog with these children and buttons; the text of the button that was pressed, "" for none.
export function ask(children, buttons) {
  const dialog = document.getElementById("dialog");
  const choices = buttons.map((text) => el("button", {value: text, className: "choice"}, text));
  dialog.replaceChildren(el("form", {method: "dialog"}, ...children, el("div", {className: "choices"}, ...choices)));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), {once: true});
  });
}
