// A reply that is begun assigns a ticket that nobody had: the page shows that at once, and a toast has Undo.
import { tell } from "../toast.js";

const EVERY_MS = 500;

function refresh(id) {
  document.dispatchEvent(new CustomEvent("live", { detail: { kind: "ticket", id } }));
}

/** Shows the toast; while that of a message has its own Undo, that comes first. */
function offer(form) {
  if (document.querySelector("#toast form")) return setTimeout(offer, EVERY_MS, form);
  tell(form.dataset.toast, form);
  htmx.process(form);
}

document.addEventListener("draft", ({ detail: page }) => {
  const form = page.querySelector("[data-assigned]");
  if (!form) return;
  refresh(form.dataset.assigned);
  offer(document.adoptNode(form));
});

document.addEventListener("htmx:after:request", ({ target }) => {
  if (target.matches?.("[data-assigned]")) refresh(target.dataset.assigned);
});
