// The toast: what failed, and what was changed with a way back. Undo chooses the value before in the same picker.
const SECONDS = 8;
let before = null;
let timer = 0;

const toast = () => document.getElementById("toast");

export function tell(text, button, seconds = SECONDS) {
  toast().replaceChildren(text, ...(button ? [button] : []));
  clearTimeout(timer);
  timer = setTimeout(() => toast().replaceChildren(), seconds * 1000);
}

const chosen = (name) => document.querySelector(`#pick-${name} [role=option][aria-selected=true]`);

document.addEventListener(
  "submit",
  ({ submitter }) => {
    const name = submitter?.name;
    before = name && chosen(name) && !submitter.hasAttribute("form") ? { name, value: chosen(name).value } : null;
  },
  true,
);

document.addEventListener("htmx:after:swap", ({ target }) => {
  if (!before || target.id === "live") return;
  const { name, value } = before;
  before = null;
  const after = chosen(name);
  const back = document.querySelector(`#pick-${name} [role=option][value="${CSS.escape(value)}"]`);
  const opener = document.querySelector(`[popovertarget="pick-${name}"]`);
  if (!after || !back || after === back) return;
  const undo = document.createElement("button");
  undo.type = "button";
  undo.className = "button";
  undo.dataset.key = "z";
  undo.dataset.label = toast().dataset.undo;
  const cap = document.createElement("kbd");
  cap.textContent = "Z";
  undo.append(toast().dataset.undo, cap);
  undo.addEventListener("click", () => {
    toast().replaceChildren();
    document.querySelector(`#pick-${name} [role=option][value="${CSS.escape(value)}"]`)?.click();
  });
  const shown = opener.cloneNode(true);
  for (const hidden of shown.querySelectorAll("[aria-hidden=true]")) hidden.remove();
  tell(`${opener.dataset.label}: ${shown.textContent.trim()}`, undo);
});

document.addEventListener("copied", ({ detail }) => tell(detail));
document.addEventListener("htmx:error", () => tell(toast().dataset.offline));
document.addEventListener("htmx:response:error", ({ detail }) => {
  const { response, hx } = detail.ctx;
  if (response.status >= 500) tell(toast().dataset.failed);
  else if (response.status === 429 && hx.reswap) tell(toast().dataset.busy);
});
