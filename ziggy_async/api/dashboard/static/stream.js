// The one stream of server-sent events that the page follows. It is closed while the tab is hidden.

const RETRY = 3000;

let source = null;
let followed = null; // {path, handlers}
let timer = 0;
let onState = () => {};

export function watchState(listener) {
  onState = listener;
}

// Follows `path` instead of what was followed before; `handlers`: name of an event -> what is called with its body.
export function follow(path, handlers) {
  followed = {path, handlers};
  open();
}

function open() {
  close();
  if (!followed) return;
  if (document.hidden) {
    onState("paused");
    return;
  }
  onState("connecting");
  const current = new EventSource(followed.path);
  source = current;
  current.onopen = () => onState("live");
  current.onerror = () => {
    if (current.readyState === EventSource.CLOSED) {
      onState("lost");
      timer = setTimeout(open, RETRY);
    } else {
      onState("connecting");
    }
  };
  for (const [name, handle] of Object.entries(followed.handlers)) {
    current.addEventListener(name, ({data}) => {
      if (source === current) handle(JSON.parse(data));
    });
  }
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", open);
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", ({persisted}) => {
  if (persisted) open();
});
