// Keys. Each is declared on the element that it acts on, with data-key; the help and the palette are made of the same.
import { begin } from "./pick.js";

const OFF = "clearline.keys.off";
const SEQUENCE_MS = 1000;
let first = "";
let timer = 0;

export const areOff = () => localStorage.getItem(OFF) === "1";

const rowInFocus = () => document.activeElement?.closest("#rows tr");
const isOfRow = (element) => element.dataset.key !== "Esc" && element.closest(".bulk") && rowInFocus(); // selects it first

const isUsable = (element) =>
  element.dataset.move || isOfRow(element) || element.closest(".side, [data-no-details] .details") || (element.checkVisibility() && !element.closest("dialog, [popover]"));

/** Returns the elements that a person can use now, each with its key; of two with one key the one of the page. */
export const declared = () => {
  const usable = [...document.querySelectorAll("[data-key]")].filter(isUsable);
  return [...new Map(usable.map((element) => [element.dataset.key, element])).values()];
};

const FIELDS = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])";
const OVERLAYS = "dialog[open], [popover]:popover-open";
const isField = (element) => element.closest(FIELDS)?.checkVisibility(); // one of a closed picker may have the focus still
const isOverlay = (element) => element.closest(OVERLAYS);

/** Does what a click does; a text field gets the focus. What is done to selected rows is done to the one in focus if none is. */
export function run(element) {
  if (!element.checkVisibility() && isOfRow(element)) rowInFocus().querySelector("[name=ticket]")?.click();
  if (element.dataset.move) {
    element.dispatchEvent(new CustomEvent("move", { bubbles: true, detail: Number(element.dataset.move) }));
  } else if (isField(element)) {
    element.focus();
    element.select?.();
  } else {
    element.click();
    if (element.popoverTargetElement?.matches("[data-pick]:popover-open")) begin(element.popoverTargetElement);
  }
}

function pressed(event) {
  const key = event.key.length === 1 && event.ctrlKey ? event.key.toLowerCase() : event.key.replace("Escape", "Esc");
  if (!event.ctrlKey && !event.metaKey) return key;
  return (event.shiftKey && key === "Enter" ? "Ctrl+Shift+" : "Ctrl+") + key;
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.isComposing) return;
  const key = pressed(event);
  const withControl = key.startsWith("Ctrl+");
  const target = event.target instanceof Element ? event.target : document.body;
  if (key === "Esc" && isField(target) && !isOverlay(target)) {
    target.blur();
    return;
  }
  if (key === "Esc" && document.querySelector(OVERLAYS)) return; // the browser closes it
  if (!withControl && ((key !== "Esc" && areOff()) || isField(target) || isOverlay(target) || event.repeat)) {
    if (!(event.repeat && "jk".includes(key) && !isField(target) && !isOverlay(target))) return;
  }
  if (withControl && key !== "Ctrl+k" && isOverlay(target)) return;
  const sequence = first && !withControl ? `${first} ${key}` : key;
  const elements = declared();
  const match = elements.find((element) => element.dataset.key === sequence);
  clearTimeout(timer);
  first = "";
  if (match) {
    event.preventDefault();
    run(match);
  } else if (elements.some((element) => element.dataset.key.startsWith(`${key} `))) {
    first = key;
    timer = setTimeout(() => (first = ""), SEQUENCE_MS);
  }
});

/** The name of what a key does: that on the element, or its text. */
export const label = (element) => element.dataset.label ?? element.dataset.go ?? element.textContent.trim();

export function keyCaps(key) {
  return key.split(/[ +]/).filter(Boolean).map((cap) => {
    const kbd = document.createElement("kbd");
    kbd.textContent = cap;
    return kbd;
  });
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-help]")) return;
  const rows = declared().map((element) => {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const caps = document.createElement("dd");
    term.textContent = label(element);
    caps.append(...keyCaps(element.dataset.key));
    row.append(term, caps);
    return row;
  });
  const dialog = document.getElementById("help");
  dialog.querySelector(".keys").replaceChildren(...rows);
  dialog.querySelector("[data-single-keys]").checked = !areOff();
  dialog.showModal();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-single-keys]")) localStorage.setItem(OFF, event.target.checked ? "" : "1");
});
