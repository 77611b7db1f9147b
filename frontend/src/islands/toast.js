// The toast: what failed, and what was changed with a way back.
const SECONDS = 8;
let timer = 0;

const toast = () => document.getElementById("toast");

export function tell(text, button, seconds = SECONDS) {
  toast().replaceChildren(text, ...(button ? [button] : []));
  clearTimeout(timer);
  timer = setTimeout(() => toast().replaceChildren(), seconds * 1000);
}

/** Says what was changed, with a button that takes it back. */
export function tellWithUndo(text, undo) {
  const { undo: word } = toast().dataset;
  const button = document.createElement("button");
  const cap = document.createElement("kbd");
  Object.assign(button, { type: "button", className: "button" });
  Object.assign(button.dataset, { key: "z", label: word });
  cap.textContent = "Z";
  button.append(word, cap);
  button.addEventListener("click", () => {
    tell("");
    undo();
  });
  tell(text, button);
}

document.addEventListener("copied", ({ detail }) => tell(detail));
document.addEventListener("htmx:error", () => tell(toast().dataset.offline));
document.addEventListener("htmx:response:error", ({ detail }) => {
  const { response, hx } = detail.ctx;
  if (response.status >= 500) tell(toast().dataset.failed);
  else if (response.status === 429 && hx.reswap) tell(toast().dataset.busy);
});
