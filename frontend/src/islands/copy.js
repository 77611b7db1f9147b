// Buttons that copy a text.
const show = () => {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
};

show();
document.addEventListener("htmx:after:swap", show);
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.querySelector("span");
  if (words) words.textContent = button.dataset.copied;
  else button.ariaLabel = button.title = button.dataset.copied;
  button.classList.add("green");
});
