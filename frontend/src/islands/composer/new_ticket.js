// A new ticket: what is typed is kept in this browser until the ticket is created, for each company and service.
import { keep, PREFIX, restore } from "../kept.js";

const keyOf = (form) =>
  `${PREFIX}${form.dataset.user}.new.${form.elements.company.value}.${form.elements.service.value}`;
const typedIn = (form) => form.elements.title.value || form.elements.description.value;

function prepare() {
  const form = document.querySelector("[data-new-ticket]");
  if (form && !typedIn(form)) restore(form, keyOf(form));
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("[data-new-ticket]");
  if (!form) return;
  if (typedIn(form)) keep(form, keyOf(form));
  else localStorage.removeItem(keyOf(form));
});

// Before the page is shown: fragments of the page may be swapped between the sending and its answer.
document.addEventListener("htmx:after:request", ({ target, detail }) => {
  const page = detail.ctx.response?.raw;
  if (target.matches?.("[data-new-ticket]") && page?.ok && page.redirected) localStorage.removeItem(keyOf(target));
});

document.addEventListener("htmx:after:swap", prepare);
prepare();
