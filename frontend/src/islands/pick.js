// Pickers: a popover at its button, filtered by typing, chosen with the arrow keys and Enter.
const visible = (form) => [...form.querySelectorAll("[role=option]")].filter((option) => !option.hidden);

/** Whether a choice is possible: a status only for selected tickets that can get it. */
function isPossible({ dataset: { from } }) {
  if (from === undefined) return true;
  const selected = [...document.querySelectorAll("#rows [name=ticket]:checked")];
  return selected.some((box) => from.split(" ").includes(box.dataset.status));
}

function activate(form, option) {
  for (const other of form.querySelectorAll("[data-active]")) delete other.dataset.active;
  const filter = form.querySelector("[data-filter]");
  if (!option) {
    filter.removeAttribute("aria-activedescendant");
    return;
  }
  option.dataset.active = "";
  filter.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function place(form) {
  const opener = document.querySelector(`[popovertarget="${form.id}"]`).getBoundingClientRect();
  form.dataset.placed = "";
  const box = form.getBoundingClientRect();
  const below = opener.bottom + 4;
  const top = below + box.height > innerHeight - 8 ? Math.max(opener.top - box.height - 4, 8) : below;
  form.style.left = `${Math.max(Math.min(opener.left, innerWidth - box.width - 8), 8)}px`;
  form.style.top = `${Math.min(top, innerHeight - box.height - 8)}px`; // the button may be below the window
}

/** Makes a picker that is open ready for keys, once. The event of a popover comes late: what is typed until then would be lost. */
export function begin(form) {
  if ("placed" in form.dataset) return;
  const filter = form.querySelector("[data-filter]");
  if (filter) {
    filter.hidden = false;
    filter.value = "";
    for (const option of form.querySelectorAll("[role=option]")) {
      option.hidden = !isPossible(option);
      option.tabIndex = -1;
    }
    activate(form, form.querySelector("[aria-selected=true]") ?? visible(form)[0]);
  }
  place(form);
  (filter ?? form.querySelector("select, input:not([type=hidden])")).focus();
}

document.addEventListener(
  "toggle",
  (event) => {
    const form = event.target;
    if (!(form instanceof HTMLElement) || !form.matches("[data-pick]")) return;
    const details = form.closest(".details");
    details?.toggleAttribute("hx-morph-skip", Boolean(details.querySelector(":popover-open"))); // what changes comes later
    if (event.newState === "open") begin(form);
  },
  true,
);

document.addEventListener("beforetoggle", ({ target, newState }) => newState === "closed" && delete target.dataset.placed, true);

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-filter]")) return;
  const form = target.closest("[data-pick]");
  const words = target.value.trim().toLowerCase();
  for (const option of form.querySelectorAll("[role=option]")) {
    option.hidden = !isPossible(option) || !option.textContent.toLowerCase().includes(words);
  }
  activate(form, visible(form)[0]);
});

document.addEventListener("keydown", (event) => {
  if (!(event.target instanceof Element) || !event.target.matches("[data-filter]")) return;
  const form = event.target.closest("[data-pick]");
  const options = visible(form);
  const at = options.findIndex((option) => "active" in option.dataset);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    activate(form, options[(at + step + options.length) % options.length]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    options[at]?.click();
  }
});
