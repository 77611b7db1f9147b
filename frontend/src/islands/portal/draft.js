// A reply that is not sent yet is kept in the browser, for its writer, and is there again after a crash or an expired
// sign-in. The key of the form is kept with it, so that a reply whose answer was lost is not added twice.
import { keep, PREFIX, restore } from "../kept.js";

const form = document.querySelector("[data-reply]");

if (form) {
  const key = `${PREFIX}${form.dataset.user}.reply.${form.dataset.reply}`;
  const { text } = form.elements;
  if (form.dataset.sent) localStorage.removeItem(key);
  if (!text.value.trim()) restore(form, key);
  const show = () => (form.querySelector("[data-saved]").hidden = !text.value.trim());
  show();
  text.addEventListener("input", () => {
    if (text.value.trim()) keep(form, key);
    else localStorage.removeItem(key);
    show();
  });
}

// What was done is said once: not again when the page is loaded again.
if (location.search.startsWith("?done=")) history.replaceState(null, "", location.pathname);
