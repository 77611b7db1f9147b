// A new ticket: what is typed is kept in this browser until the ticket is created, for each company and service.
import { keep, PREFIX, restore } from "../kept.js";

let sent = ""; // the key of the form that was sent

const keyOf = (form) =>
  `${PREFIX}${form.dataset.user}.new.${form.elements.company.value}.${form.elements.service.value}`;
const typedIn = (form) => form.elements.title.value || form.elements.description.value;

function prepare() {
  const form = document.querySelector("[data-new-ticket]");
  if (sent && document.querySelector("[data-ticket]")) localStorage.removeItem(sent);
  sent = "";
  if (form && !typedIn(form)) restore(form, keyOf(form));
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("[data-new-ticket]");
  if (!form) return;
  if (typedIn(form)) keep(form, keyOf(form));
  else localStorage.removeItem(keyOf(form));
});

document.addEventListener("submit", ({ target, submitter }) => {
  if (target.matches("[data-new-ticket]") && submitter?.name !== "step") sent = keyOf(target);
});

document.addEventListener("htmx:after:swap", prepare);
prepare();
