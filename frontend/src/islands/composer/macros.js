// Macros: "/" on an empty line opens the picker, and the text of a macro goes there without a request.
import { setKind } from "./composer.js";

let line = { text: "", at: 0 }; // where "/" was pressed

const isOnEmptyLine = ({ value, selectionStart: at, selectionEnd }) =>
  at === selectionEnd && /(^|\n)[^\S\n]*$/.test(value.slice(0, at)) && /^[^\S\n]*(\n|$)/.test(value.slice(at));

document.addEventListener("keydown", (event) => {
  const text = event.target;
  if (event.key !== "/" || !text.matches?.("[data-composer] textarea") || !isOnEmptyLine(text)) return;
  const picker = document.getElementById("pick-macro");
  if (!picker) return;
  event.preventDefault();
  line = { text: text.value, at: text.selectionStart };
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
  if (text.value && text.value === line.text) text.setRangeText(source.textContent, line.at, line.at, "end");
  else text.value = text.value ? `${text.value.trimEnd()}\n\n${source.textContent}` : source.textContent;
  text.dispatchEvent(new Event("input", { bubbles: true }));
  preview.remove();
  text.focus();
});
