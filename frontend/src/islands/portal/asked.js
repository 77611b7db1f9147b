// What a new ticket is asked for depends on what is chosen: the fields are asked for anew when that changes. What is typed
// meanwhile stays, and so do the files, which are not among them.
let asking = 0;

/** Asks for the fields of a form as it is filled in now. */
export async function ask(form) {
  const at = ++asking;
  const body = new FormData(form);
  body.delete("files");
  body.set("step", "form");
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
  if (!answer?.ok || at !== asking) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("asked");
  const old = form.querySelector("#asked");
  if (!fresh || at !== asking) return;
  for (const field of fresh.querySelectorAll(":is(input, select, textarea)[id]")) {
    const before = old.querySelector(`#${CSS.escape(field.id)}`);
    if (before) field.value = before.value;
  }
  for (const box of fresh.querySelectorAll("[type=checkbox]")) {
    const before = old.querySelector(`[name="${CSS.escape(box.name)}"][value="${CSS.escape(box.value)}"]`);
    if (before) box.checked = before.checked;
  }
  fresh.querySelectorAll("details").forEach((part, index) => (part.open ||= !!old.querySelectorAll("details")[index]?.open));
  const focused = document.activeElement?.id;
  old.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.focus();
}

document.addEventListener("change", ({ target }) => {
  if (target.closest("[data-raise] [data-asks]")) ask(target.form);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-raise] [data-update]");
  if (!button) return;
  event.preventDefault();
  ask(button.form);
});
