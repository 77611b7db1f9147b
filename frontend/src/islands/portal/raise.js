// Raising a ticket: what is typed is kept in this browser until the ticket is there, for each service. The key of the form
// is kept with it, so that a form whose answer was lost leads to the same ticket when it is sent again.
import { forget, keep, PREFIX, restore } from "../kept.js";
import { send } from "./send.js";

const SENT = "clearline.sent"; // the key of the form that was sent, or carried to the choice of another service
const FIELDS = ["title", "since", "description", "reference"];
const unsent = document.querySelector("[data-unsent]");
const sent = sessionStorage.getItem(SENT);
let sending = false;

const stem = (user) => `${PREFIX}${user}.raise.`;
const keyOf = (form) => stem(form.dataset.raise) + form.dataset.service;
const isTyped = (form) => FIELDS.some((name) => form.elements[name].value.trim()) || form.querySelector("[name=issue_type]:checked");

function save(form) {
  if (isTyped(form)) keep(form, keyOf(form));
  else localStorage.removeItem(keyOf(form));
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

function begin(form) {
  if (isTyped(form)) {
    if (sent && sent !== keyOf(form)) localStorage.removeItem(sent); // the same words, now about another service
  } else if (restore(form, keyOf(form))) {
    form.querySelector("[data-restored]").hidden = false;
    form.querySelector("details").open = Boolean(form.elements.reference.value || form.elements.priority.value);
  }
  prepare(form);
}

const form = document.querySelector("[data-raise]");
if (sent && new URLSearchParams(location.search).get("done") === "raised") localStorage.removeItem(sent);
if (form || !unsent) sessionStorage.removeItem(SENT);
if (form) begin(form);

if (unsent) {
  const all = Object.keys(localStorage).filter((key) => key.startsWith(stem(unsent.dataset.unsent)));
  const kept = all.map((key) => ({ key, at: JSON.parse(localStorage.getItem(key)).at })).sort((a, b) => b.at - a.at);
  if (kept.length) {
    unsent.querySelector("a").href = kept[0].key.slice(stem(unsent.dataset.unsent).length);
    unsent.hidden = false;
  }
}

document.addEventListener("submit", ({ target }) => {
  if (target.action.endsWith("/sign-out")) forget();
});
