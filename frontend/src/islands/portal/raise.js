// Raising a ticket: what is typed is kept in this browser until the ticket is there, for each form. The key of the form
// is kept with it, so that a form whose answer was lost leads to the same ticket when it is sent again. A tab holds a
// lock on its draft: another tab begins one of its own, also about the same service.
import { forget, keep, PREFIX, restore } from "../kept.js";
import { ask } from "./asked.js";
import { send } from "./send.js";

const SENT = "clearline.sent"; // the key of the form that was sent, or carried to the choice of another service
const FIELDS = "#title, #occurred_at, #description, details :is(input, select:not(#person))";
const unsent = document.querySelector("[data-unsent]");
const sent = sessionStorage.getItem(SENT);
let sending = false;
let kept = null; // the key under which this page keeps its form

const stem = (user) => `${PREFIX}${user}.raise.`;
const keyOf = (form) => `${stem(form.dataset.raise)}${form.dataset.service}#${form.elements.once.value}`;
const isFilled = (fields) => [...fields].some((field) => field.type === "checkbox" ? field.checked : field.value.trim());
const isTyped = (form) => isFilled(form.querySelectorAll(FIELDS)) || form.querySelector("[name=issue_type]:checked");

/** Returns the keys of the drafts that no other tab has open, newest first. */
async function drafts(start) {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const open = new Set(held.map(({ name }) => name));
  const free = Object.keys(localStorage).filter((key) => key.startsWith(start) && !open.has(key));
  return free.map((key) => ({ key, at: JSON.parse(localStorage.getItem(key)).at })).sort((a, b) => b.at - a.at);
}

function save(form) {
  const key = keyOf(form);
  if (kept !== key) {
    if (kept) localStorage.removeItem(kept); // a refused form may come back with another key
    kept = key;
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
  const [draft] = await drafts(`${stem(form.dataset.raise)}${form.dataset.service}#`);
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

if (unsent) {
  drafts(stem(unsent.dataset.unsent)).then(([draft]) => {
    if (!draft) return;
    unsent.querySelector("a").href = draft.key.slice(stem(unsent.dataset.unsent).length).split("#")[0];
    unsent.hidden = false;
  });
}

document.addEventListener("submit", ({ target }) => {
  if (target.action.endsWith("/sign-out")) forget();
});
