// Desktop notices, if the person turned them on in this browser. The tab that holds the stream shows them, without a sound.
import { isLeading, newest } from "./live.js";
import { tell } from "../toast.js";

const EVERY_MS = 5000;
const NAME = `clearline.notices.${document.body.dataset.user}`;
let cursor = document.body.dataset.cursor;
let askedAt = 0;
let timer = 0;

const isOn = () => "Notification" in window && Notification.permission === "granted" && localStorage.getItem(NAME) === "on";

/** Shows a notice; returns whether this browser can: some can only do it for an installed app. */
function show({ title, body, tag, path }) {
  try {
    const notice = new Notification(title, { body, tag, silent: true });
    notice.onclick = () => {
      focus();
      notice.close();
      if (path) location.href = path;
    };
    return true;
  } catch {
    return false;
  }
}

async function ask() {
  timer = 0;
  askedAt = Date.now();
  const answer = await fetch(`/console/live/notices?${new URLSearchParams({ after: cursor })}`, { redirect: "manual" }).catch(() => null);
  if (!answer?.ok) return; // what is missing comes with the next change
  const { cursor: at, notices } = await answer.json();
  cursor = at;
  for (const notice of notices) show(notice);
}

/** Asks at once, for timers are late in a hidden tab, unless that was done just now. */
function soon() {
  const wait = askedAt + EVERY_MS - Date.now();
  if (wait <= 0) ask();
  else timer ||= setTimeout(ask, wait);
}

document.addEventListener("live", ({ detail }) => {
  if (isOn() && isLeading() && detail.kind !== "missed") soon(); // what was missed for long is on the pages
  else cursor = newest();
});

function label() {
  for (const button of document.querySelectorAll("[data-notices]")) {
    const [on, off, blocked] = button.dataset.words.split("|");
    const isBlocked = !("Notification" in window) || Notification.permission === "denied";
    button.hidden = false;
    button.disabled = isBlocked;
    button.textContent = isBlocked ? blocked : isOn() ? off : on;
  }
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-notices]");
  if (!button) return;
  const wasOn = isOn();
  if (!wasOn && (await Notification.requestPermission()) !== "granted") return label();
  localStorage.setItem(NAME, wasOn ? "" : "on");
  if (!wasOn && !show({ title: button.dataset.first, tag: "first" })) {
    localStorage.removeItem(NAME);
    tell(button.dataset.words.split("|")[2]);
  }
  label();
});
document.addEventListener("htmx:after:swap", label);
label();
