// A new ticket: what is typed is kept in this browser until the ticket is created, for each company and service.
import { PREFIX } from "./drafts.js";

const KEEP_MS = 30 * 86_400_000;
const FIELDS = "input[id]:not([type=file]), select[id], textarea[id]";
let sent = ""; // the key of the form that was sent

const keyOf = (form) =>
  `${PREFIX}${form.dataset.user}.new.${form.elements.company.value}.${form.elements.service.value}`;
const typedIn = (form) => form.elements.title.value || form.elements.description.value;

function prepare() {
  const form = document.querySelector("[data-new-ticket]");
  if (sent && document.querySelector("[data-ticket]")) localStorage.removeItem(sent);
  sent = "";
  if (!form) return;
  const kept = JSON.parse(localStorage.getItem(keyOf(form)) ?? "null");
  if (!kept || typedIn(form)) return;
  if (Date.now() - kept.at > KEEP_MS) localStorage.removeItem(keyOf(form));
  else for (const [id, value] of Object.entries(kept.values)) if (form.elements[id]) form.elements[id].value = value;
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("[data-new-ticket]");
  if (!form) return;
  const values = Object.fromEntries([...form.querySelectorAll(FIELDS)].map(({ id, value }) => [id, value]));
  if (typedIn(form)) localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), values }));
  else localStorage.removeItem(keyOf(form));
});

document.addEventListener("submit", ({ target, submitter }) => {
  if (target.matches("[data-new-ticket]") && submitter?.name !== "step") sent = keyOf(target);
});

document.addEventListener("htmx:after:swap", prepare);
prepare();
