// A reply that is not sent yet is kept in the browser, and is there again after a crash or an expired sign-in.
const form = document.querySelector("[data-reply]");

if (form) {
  const key = `reply ${form.dataset.reply}`;
  const field = form.elements.text;
  if (form.dataset.sent) localStorage.removeItem(key);
  const kept = localStorage.getItem(key);
  if (kept && !field.value.trim()) field.value = kept;
  const show = () => (form.querySelector("[data-saved]").hidden = !field.value.trim());
  show();
  field.addEventListener("input", () => {
    if (field.value.trim()) localStorage.setItem(key, field.value);
    else localStorage.removeItem(key);
    show();
  });
}

// What was done is said once: not again when the page is loaded again.
if (location.search.startsWith("?done=")) history.replaceState(null, "", location.pathname);

// Whoever signs out leaves nothing behind.
document.addEventListener("submit", ({ target }) => {
  if (!target.action.endsWith("/sign-out")) return;
  for (const name of Object.keys(localStorage)) if (name.startsWith("reply ")) localStorage.removeItem(name);
});
