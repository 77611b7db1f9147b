// The composer: a reply and a note are apart, each with its own words.
import { adopt, changed, stash } from "./drafts.js";

function prepare(kind) {
  const form = document.querySelector("[data-composer]");
  if (!form || form.dataset.kind) return;
  const { text, visibility } = form.elements;
  form.dataset.kind = kind ?? visibility.value;
  text.dataset.reply = text.placeholder;
  const [reply, note] = [adopt(form, "public"), adopt(form, "internal")];
  if (reply || note) setKind(form, reply > note ? "public" : "internal");
  words(form);
}

function words(form) {
  const { text } = form.elements;
  text.placeholder = form.dataset.kind === "internal" ? text.dataset.note : text.dataset.reply;
}

/** Shows the words of another kind of message, and puts those of this kind aside. */
export function setKind(form, kind) {
  const { text, then, visibility } = form.elements;
  visibility.value = kind;
  if (form.dataset.kind === kind) return;
  const [aside, next] = [stash(form, form.dataset.kind), stash(form, kind)];
  [aside.value, aside.dataset.then] = [text.value, then.value];
  [text.value, then.value] = [next.value, next.dataset.then];
  form.dataset.kind = kind;
  words(form);
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("[data-composer]");
  if (!form) return;
  if (!form.dataset.kind) prepare(form.querySelector("[name=visibility][checked]").value); // a key came before the end of the swap
  if (target.name === "visibility") setKind(form, target.value);
  else if (target.name === "text" || form.elements.text.value) changed(form, form.dataset.kind);
});

document.addEventListener("click", ({ target }) => {
  if (target.matches?.("[data-composer] [name=visibility]")) target.form.elements.text.focus();
});

document.addEventListener("htmx:after:swap", () => prepare());
prepare();
