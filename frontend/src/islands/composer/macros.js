// Macros: "/" in an empty message opens the picker, and the text of a macro goes into the composer without a request.
import { setKind } from "./composer.js";

document.addEventListener("keydown", (event) => {
  const text = event.target;
  if (event.key !== "/" || !text.matches?.("[data-composer] textarea") || text.value) return;
  const picker = document.getElementById("pick-macro");
  if (!picker) return;
  event.preventDefault();
  picker.showPopover();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-insert]");
  const form = document.querySelector("[data-composer]");
  if (!link || !form) return;
  event.preventDefault();
  const preview = link.closest(".macro");
  const source = preview.querySelector("[data-macro-text]");
  const text = form.elements.text;
  setKind(form, source.dataset.visibility);
  text.value = text.value ? `${text.value.trimEnd()}\n\n${source.textContent}` : source.textContent;
  text.dispatchEvent(new Event("input", { bubbles: true }));
  preview.remove();
  text.focus();
});
