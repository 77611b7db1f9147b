// A file that is chosen fills a field with its text. Without scripts the text is pasted.
function reveal() {
  for (const field of document.querySelectorAll("[data-fills]")) field.hidden = false;
}

document.addEventListener("htmx:after:swap", reveal);
document.addEventListener("change", async ({ target }) => {
  const field = target.closest("[data-fills]");
  if (field && target.files[0]) document.getElementById(field.dataset.fills).value = await target.files[0].text();
});
reveal();
