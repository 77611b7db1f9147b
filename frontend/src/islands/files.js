// Files for a ticket: chosen, dropped on the composer or pasted into it. Each is uploaded at once, and goes with the
// message. Those of a new ticket go with its form, and stay chosen when it is refused.
import { reasonOf } from "./live/fetch.js";
import { tell } from "./toast.js";

let chosen = []; // of the form that was sent

const formOf = (target) => target.closest?.("[data-composer]");

function prepare() {
  for (const element of document.querySelectorAll("[data-attach]")) element.hidden = false;
  const input = document.querySelector("[data-files-kept] input");
  if (input && chosen.length) {
    const kept = new DataTransfer();
    for (const file of chosen) kept.items.add(file);
    input.files = kept.files;
  }
  if (!document.querySelector(".steps")) chosen = [];
}

async function attach(form, files) {
  const input = form.querySelector("[data-files]");
  const send = form.querySelector("button.primary");
  const headers = { "X-CSRF-Token": form.elements.csrf.value };
  let refusal = "";
  send.disabled = true;
  for (const file of files) {
    tell(input.dataset.uploading.replace("%s", file.name));
    const query = new URLSearchParams({ name: file.name });
    const sent = { ...headers, "Content-Type": file.type || "application/octet-stream" };
    const answer = await fetch(`${input.dataset.url}?${query}`, { method: "POST", headers: sent, body: file }).catch(() => null);
    if (answer?.ok) show(form, await answer.text());
    else {
      const reason = answer ? await reasonOf(answer) : document.getElementById("toast").dataset.offline;
      refusal = `${input.dataset.failed.replace("%s", file.name)} ${reason}`;
    }
  }
  send.disabled = false;
  input.value = "";
  tell(refusal);
  form.elements.text.focus();
}

function show(form, html) {
  const files = new DOMParser().parseFromString(html, "text/html").getElementById("files");
  form.querySelector("#files").replaceWith(files);
  htmx.process(files);
}

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-attach]")) formOf(target).querySelector("[data-files]").click();
});

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-files]") && target.files.length) attach(target.form, [...target.files]);
});

document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-new-ticket]")) chosen = [...target.elements.files.files];
});

document.addEventListener("paste", (event) => {
  const form = formOf(event.target);
  if (!form || !event.clipboardData.files.length) return;
  event.preventDefault();
  attach(form, [...event.clipboardData.files]);
});

document.addEventListener("dragover", (event) => {
  if (formOf(event.target)) event.preventDefault();
});

document.addEventListener("drop", (event) => {
  const form = formOf(event.target);
  if (!form || !event.dataTransfer.files.length) return;
  event.preventDefault();
  attach(form, [...event.dataTransfer.files]);
});

document.addEventListener("htmx:after:swap", prepare);
prepare();
