// The command palette: views, what keys do on this page, and tickets that the server finds.
import { declared, keyCaps, label, run } from "./keys.js";

const WAIT_MS = 120;
let timer = 0;
let asked = 0;

const dialog = () => document.getElementById("palette");
const field = () => dialog().querySelector("input");
const list = () => document.getElementById("palette-results");
const options = () => [...list().querySelectorAll("[role=option]")];

function activate(option) {
  for (const other of options()) {
    delete other.dataset.active;
    other.setAttribute("aria-selected", String(other === option));
  }
  if (!option) return field().removeAttribute("aria-activedescendant");
  option.dataset.active = "";
  field().setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function commands(words) {
  const elements = new Set([...document.querySelectorAll("[data-go]"), ...declared()]);
  return [...elements]
    .filter((element) => !element.matches("[data-palette], [data-move]"))
    .filter((element) => label(element).toLowerCase().includes(words))
    .map((element, at) => {
      const option = document.createElement("div");
      option.className = "option";
      option.role = "option";
      option.id = `command-${at}`;
      const name = document.createElement("span");
      name.className = "label";
      name.textContent = label(element);
      option.append(element.querySelector("svg")?.cloneNode(true) ?? "", name, ...keyCaps(element.dataset.key ?? ""));
      option.addEventListener("click", () => {
        dialog().close();
        run(element);
      });
      return option;
    });
}

function show(found = "") {
  const words = field().value.trim();
  list().replaceChildren(...commands(words.toLowerCase()));
  list().insertAdjacentHTML("beforeend", found);
  if (!options().length) {
    const none = document.createElement("p");
    none.className = "none";
    none.textContent = dialog().dataset.none;
    list().append(none);
  }
  htmx.process(list());
  activate(options()[0]);
}

async function search() {
  const words = field().value.trim();
  const number = ++asked;
  show();
  if (words.length < 2) return;
  const answer = await fetch(`/console/find?${new URLSearchParams({ q: words })}`, { headers: { "HX-Request": "true" } });
  if (answer.ok && number === asked && dialog().open) show(await answer.text());
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette]")) {
    field().value = "";
    show();
    dialog().showModal();
  } else if (event.target.closest("#palette a")) {
    dialog().close();
  } else if (event.target.matches("dialog[open]")) {
    event.target.close(); // the backdrop
  }
});

document.addEventListener("input", ({ target }) => {
  if (!target.matches("#palette input")) return;
  clearTimeout(timer);
  timer = setTimeout(search, WAIT_MS);
});

document.addEventListener("keydown", (event) => {
  if (!(event.target instanceof Element) || !event.target.matches("#palette input")) return;
  const all = options();
  const at = all.findIndex((option) => "active" in option.dataset);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    activate(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    const words = new URLSearchParams({ q: field().value.trim() });
    if (all[at]) all[at].click();
    else location.href = `${dialog().dataset.search}?${words}`;
  }
});
