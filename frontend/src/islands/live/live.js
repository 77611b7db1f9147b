// Live updates: one tab of a browser holds the stream and shares it with the others. Every change becomes a "live" event.
const NAME = "clearline.live";
const STATES = ["live", "reconnecting", "offline", "paused"];
const SILENCE_MS = 45_000;
const channel = new BroadcastChannel(NAME);
let cursor = document.body.dataset.cursor;
let state = "reconnecting";
let source = null;
let heard = 0;
let tries = 0;
let timer = 0;
let isLeader = false;

/** Whether this tab holds the stream. */
export const isLeading = () => isLeader;

/** The cursor after everything that this tab was told. */
export const newest = () => cursor;

const isPaused = () => localStorage.getItem(NAME) === "paused";

function show() {
  const shown = state !== "ended" && isPaused() ? "paused" : state;
  const bar = document.getElementById("offline");
  bar.hidden = shown !== "offline" && shown !== "ended";
  for (const part of bar.children) part.hidden = part.dataset.when !== shown;
  for (const button of document.querySelectorAll("[data-live]")) {
    button.hidden = false;
    button.dataset.state = shown;
    button.textContent = button.dataset.words.split("|")[STATES.indexOf(shown)] ?? "";
  }
}

function apply(message) {
  cursor = message.cursor || cursor;
  if (message.state && message.state !== state) {
    state = message.state;
    show();
  }
  if (isPaused()) return;
  for (const change of message.changes ?? []) document.dispatchEvent(new CustomEvent("live", { detail: change }));
  if (message.missed) document.dispatchEvent(new CustomEvent("live", { detail: { kind: "missed" } }));
}

function share(message) {
  apply(message);
  channel.postMessage(message);
}

/** Asks once what changed since the cursor; returns whether the server answered. */
async function poll(tell) {
  const answer = await fetch(`/console/live?${new URLSearchParams({ after: cursor })}`, { redirect: "manual" }).catch(() => null);
  if (answer?.ok) tell(await answer.json());
  else if (answer?.type === "opaqueredirect") share({ state: "ended" });
  return answer?.ok;
}

function retry(isSilent) {
  source?.close();
  source = null;
  tries += 1;
  if (state !== "ended") share({ state: isSilent && tries > 2 ? "offline" : "reconnecting" });
  clearTimeout(timer);
  timer = setTimeout(connect, Math.min(30_000, 1000 * 2 ** (tries - 1)) * (0.5 + Math.random() / 2));
}

async function connect() {
  if (!(await poll(share))) return retry(true);
  heard = Date.now();
  source = new EventSource(`/console/live?${new URLSearchParams({ after: cursor })}`);
  source.onopen = () => {
    tries = 0;
    share({ state: "live" });
  };
  source.onerror = () => retry();
  source.onmessage = ({ data, lastEventId }) => {
    heard = Date.now();
    const change = JSON.parse(data);
    share({ cursor: lastEventId, changes: change.kind ? [change] : [] });
  };
}

function lead() {
  isLeader = true;
  connect();
  setInterval(() => source && Date.now() - heard > SILENCE_MS && retry(), 5000);
  return new Promise(() => {}); // until the tab is closed
}

if (cursor) {
  channel.onmessage = ({ data }) => {
    if (!data.asks) apply(data);
    else if (isLeader) channel.postMessage({ state });
  };
  channel.postMessage({ asks: "state" });
  navigator.locks.request(NAME, lead);
  setTimeout(() => isLeader || poll(apply), 500); // what changed before this tab listened
  addEventListener("online", () => isLeader && !source && (clearTimeout(timer), connect()));
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("[data-live]")) return;
    localStorage.setItem(NAME, isPaused() ? "" : "paused");
    apply({ missed: true });
    show();
    channel.postMessage({ missed: true, state: "" });
  });
  addEventListener("storage", ({ key }) => key === NAME && show());
  show();
}
