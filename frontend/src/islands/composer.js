// The composer keeps what is typed in the browser until it is sent: through reloads, crashes and an expired session.
const PREFIX = "clearline.draft.";
const keyOf = (form) => PREFIX + form.dataset.composer;

function prepare() {
  const form = document.querySelector("[data-composer]");
  if (!form || form.dataset.ready) return;
  form.dataset.ready = "1";
  const text = form.elements.text;
  const kept = JSON.parse(localStorage.getItem(keyOf(form)) ?? "null");
  if (kept && !text.value) {
    text.value = kept.text;
    form.elements.visibility.value = kept.visibility;
  }
  text.dataset.reply ??= text.placeholder;
  words(form);
}

function words(form) {
  const text = form.elements.text;
  text.placeholder = form.elements.visibility.value === "internal" ? text.dataset.note : text.dataset.reply;
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("[data-composer]");
  if (!form) return;
  const draft = { text: form.elements.text.value, visibility: form.elements.visibility.value };
  if (draft.text) localStorage.setItem(keyOf(form), JSON.stringify(draft));
  else localStorage.removeItem(keyOf(form));
  words(form);
});

document.addEventListener("click", ({ target }) => {
  if (target.matches?.("[data-composer] [name=visibility]")) target.form.elements.text.focus();
});

document.addEventListener("htmx:after:request", ({ target, detail }) => {
  if (target.matches?.("[data-composer]") && detail.ctx.response?.status === 200) localStorage.removeItem(keyOf(target));
});

document.addEventListener("submit", ({ target }) => {
  if (!target.matches("[data-sign-out]")) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
});

document.addEventListener("htmx:after:swap", prepare);
prepare();
