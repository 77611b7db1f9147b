// A list goes on below itself instead of on another page.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-more]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const pager = link.closest(".pager");
  const list = pager.previousElementSibling;
  const answer = await fetch(link.href).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const rows = page && page.querySelector(".rows");
  if (!rows || !list?.matches(".rows")) {
    location.assign(link.href);
    return;
  }
  const first = rows.firstElementChild;
  list.append(...rows.children);
  const following = page.querySelector("[data-more]");
  if (following) link.href = following.href;
  else pager.remove();
  first.querySelector("a")?.focus();
});
