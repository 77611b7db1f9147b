// Messages that are about to be sent: the seconds that are left, and a toast with Undo that stays when another page is opened.
import { tell } from "../toast.js";

const EVERY_MS = 500;
const AGAIN_MS = 3000;
const due = new Map(); // by the id of the entry
let askedAt = 0;

function prepare() {
  for (const entry of document.querySelectorAll("[data-left]")) {
    if (due.has(entry.id)) continue;
    const left = Number(entry.dataset.left);
    due.set(entry.id, Date.now() + left * 1000);
    if (!entry.dataset.toast || left < 2) continue;
    const form = entry.querySelector("form").cloneNode(true);
    tell(entry.dataset.toast, form, left);
    htmx.process(form);
  }
}

function tick() {
  for (const entry of document.querySelectorAll("[data-left]")) {
    const left = Math.ceil((due.get(entry.id) - Date.now()) / 1000);
    const chip = entry.querySelector("[data-words]");
    const text = left > 0 ? chip.dataset.words.replace("%s", left) : chip.dataset.now;
    if (chip.textContent !== text) chip.textContent = text;
    if (left > -1 || Date.now() - askedAt < AGAIN_MS) continue;
    askedAt = Date.now();
    const id = entry.closest("[data-ticket]").dataset.ticket;
    document.dispatchEvent(new CustomEvent("live", { detail: { kind: "ticket", id } }));
  }
}

document.addEventListener("htmx:after:request", ({ target }) => {
  if (target.matches?.("#toast form, .pending form")) tell("");
});
document.addEventListener("htmx:after:swap", prepare);
setInterval(tick, EVERY_MS);
prepare();
