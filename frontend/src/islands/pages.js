// Pages: what needs scripts appears, links are fetched ahead, and the focus follows.
import { restoreCursor } from "./list.js";

const WARM_MS = 60;
let warm = 0;

for (const element of document.querySelectorAll("[data-palette], [data-help]")) element.hidden = false;

function showHere() {
  document.querySelector("#views [aria-current]")?.scrollIntoView({ block: "nearest" });
}

function atTheEnd() {
  const composer = document.querySelector(".composer");
  if (composer && innerWidth >= 1024) scrollTo(0, document.documentElement.scrollHeight);
}

for (const name of ["mouseover", "focusin"]) {
  document.addEventListener(name, (event) => {
    const link = event.target.closest?.("[hx-preload]");
    clearTimeout(warm);
    if (link) warm = setTimeout(() => link.dispatchEvent(new CustomEvent("warm")), WARM_MS);
  });
}

let source = null; // what asked for the page: a swap removes it, and htmx names another element then
document.addEventListener("htmx:before:swap", ({ detail }) => (source = detail.ctx?.sourceElement));

document.addEventListener("htmx:after:swap", () => {
  const main = document.getElementById("main");
  if (source?.matches("a")) showHere();
  if (!source || !main || main.contains(document.activeElement)) return;
  const preview = main.querySelector(".macro");
  if (preview && !source.matches("a")) {
    preview.querySelector(".primary").focus({ preventScroll: true });
    preview.scrollIntoView({ block: "center" });
  } else if (source.matches("[data-pick]")) {
    document.querySelector(`[popovertarget="${source.id}"]`)?.focus({ preventScroll: true });
  } else if (source.matches("#bulk, #undo")) {
    restoreCursor();
  } else if (source.matches("[data-composer]")) {
    (main.querySelector("[data-composer]") ?? main).focus({ preventScroll: true }); // keys work, and Tab leads to the text
    atTheEnd();
    [...main.querySelectorAll(".pending")].at(-1)?.scrollIntoView({ block: "nearest" });
  } else if (source.matches("a")) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
    atTheEnd();
  }
});

// In the frame that lays the page out: before, it would force another layout while scripts run.
requestAnimationFrame(() => {
  showHere();
  atTheEnd();
});
