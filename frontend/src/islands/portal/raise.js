// Raising a ticket: what is typed is kept in this browser until the ticket is there, for each form. The key of the form
// is kept with it, so that a form whose answer was lost leads to the same ticket when it is sent again. A tab holds a
// lock on its draft: another tab begins one of its own, also about the same service. The browser releases the lock of a
// page some time after the next page has begun, so a tab knows its own draft and waits for it.
import { forget, keep, PREFIX, restore } from "../kept.js";
import { ask } from "./asked.js";
import { send } from "./send.js";

const SENT = "clearline.sent"; // the key of the form that was sent, or carried to the choice of another service
const OWN = "clearline.own"; // the key of the draft of this tab
const PATIENCE_MS = 5000; // a tab that was duplicated has the same own draft, and never gets it
const FIELDS = "#title, #occurred_at, #description, details :is(input, select:not(#person))";
const unsent = document.querySelector("[data-unsent]");
const sent = sessionStorage.getItem(SENT);
let sending = false;
let kept = null; // the key under which this page keeps its form

const stem = (user) => `${PREFIX}${user}.raise.`;
const keyOf = (form) => `${stem(form.dataset.raise)}${form.dataset.service}#${form.elements.once.value}`;
const isFilled = (fields) => [...fields].some((field) => field.type === "checkbox" ? field.checked : field.value.trim());
const isTyped = (form) => isFilled(form.querySelectorAll(FIELDS)) || form.querySelector("[name=issue_type]:checked");

/** Returns the keys of the drafts, newest first, each with whether another page has it open. */
async function drafts(start) {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const open = new Set(held.map(({ name }) => name));
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(start));
  return keys
    .map((key) => ({ key, at: JSON.parse(localStorage.getItem(key)).at, isOpen: open.has(key) }))
    .sort((a, b) => b.at - a.at);
}

/** Waits until no page has a draft open; returns whether that came in time. */
const isReleased = (key, signal) => navigator.locks.request(key, { signal }, () => true).catch(() => false);

/** Returns the draft that a form goes on with: that of its tab, or else the newest that no other tab has open. */
async function draftOf(form) {
  const found = await drafts(`${stem(form.dataset.raise)}${form.dataset.service}#`);
  const own = found.find(({ key }) => key === sessionStorage.getItem(OWN));
  if (own && (!own.isOpen || (await isReleased(own.key, AbortSignal.timeout(PATIENCE_MS))))) return own;
  return found.find(({ isOpen }) => !isOpen);
}

function save(form) {
  const key = keyOf(form);
  if (kept !== key) {
    if (kept) localStorage.removeItem(kept); // a refused form may come back with another key
    kept = key;
    sessionStorage.setItem(OWN, key);
    navigator.locks?.request(key, () => new Promise(() => {})); // until the page is left
  }
  if (isTyped(form)) keep(form, key);
  else localStorage.removeItem(key);
  form.querySelector("[data-saved]").hidden = !isTyped(form);
}

function prepare(form) {
  form.addEventListener("input", () => save(form));
  form.addEventListener("submit", async (event) => {
    save(form);
    if (event.submitter?.hasAttribute("formaction")) return;
    sessionStorage.setItem(SENT, keyOf(form));
    if (event.submitter?.name === "step") return;
    event.preventDefault();
    if (sending) return;
    sending = true;
    await send(form, (refused) => prepare(refused));
    sending = false;
  });
  form.querySelector("[data-empty]").addEventListener("click", () => {
    localStorage.removeItem(keyOf(form));
    location.assign(form.dataset.service);
  });
  save(form);
}

async function begin(form) {
  const draft = await draftOf(form);
  if (isTyped(form)) {
    if (sent && sent !== keyOf(form)) localStorage.removeItem(sent); // the same words, now about another service
  } else if (draft && restore(form, draft.key)) {
    form.querySelector("[data-restored]").hidden = false;
    if (form.querySelector("[data-asks]")) await ask(form);
    restore(form, draft.key);
    for (const part of form.querySelectorAll("details")) part.open = isFilled(part.querySelectorAll("input, select:not(#person)"));
  }
  prepare(form);
}

const form = document.querySelector("[data-raise]");
if (sent && location.search.startsWith("?done=raised.")) localStorage.removeItem(sent);
if (form || !unsent) sessionStorage.removeItem(SENT);
if (form) begin(form);

/** Shows where a draft goes on, as soon as no other tab has it open. */
async function offer({ key, isOpen }) {
  if (isOpen && !(await isReleased(key))) return;
  if (!unsent.hidden || !localStorage.getItem(key)) return;
  unsent.querySelector("a").href = key.slice(stem(unsent.dataset.unsent).length).split("#")[0];
  unsent.hidden = false;
}

if (unsent) drafts(stem(unsent.dataset.unsent)).then((found) => found.forEach(offer));

document.addEventListener("submit", ({ target }) => {
  if (target.action.endsWith("/sign-out")) forget();
});
