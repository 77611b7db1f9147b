// Buttons that copy a text.
const show = () => {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
};

show();
document.addEventListener("htmx:after:swap", show);
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const { copy, link, copied } = button.dataset;
  await navigator.clipboard.writeText(link ? `${copy} ${new URL(link, location)}` : copy);
  const words = button.querySelector("span");
  if (words) words.textContent = copied;
  else button.ariaLabel = button.title = copied;
  button.classList.add("green");
  button.dispatchEvent(new CustomEvent("copied", { bubbles: true, detail: copied }));
});
