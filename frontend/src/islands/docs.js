// The pages of the API reference: old addresses, the filter of the index, copies of samples, their language.

// When the reference was one page, its anchors were on it. Entries with these ids lead on to the new pages.
function followOldAnchor() {
  const id = decodeURIComponent(location.hash.slice(1)).replace(/-title$/, "");
  const entry = id && document.getElementById(id);
  if (entry && "moved" in entry.dataset) location.replace(entry.querySelector("a").href);
}

function startFilter(index) {
  const field = index.querySelector("[data-filter]");
  const none = index.querySelector("[data-none]");
  const groups = [...index.querySelectorAll("details")].map((details) => [details, details.open]);
  field.hidden = false;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of index.querySelectorAll("li")) {
      const address = item.querySelector("a").getAttribute("href").split("#")[1] ?? "";
      const group = item.closest("details")?.querySelector("summary").textContent ?? "";
      const text = `${item.textContent} ${address} ${group}`.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      if (!item.hidden) shown += 1;
    }
    for (const [details, wasOpen] of groups) {
      details.hidden = !details.querySelector("li:not([hidden])");
      details.open = words.length ? !details.hidden : wasOpen;
    }
    none.textContent = none.dataset.none;
    none.hidden = shown > 0;
  });
  document.addEventListener("keydown", (event) => {
    const types = event.target.closest("input:not([type=radio]), textarea");
    if (event.key !== "/" || types || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (getComputedStyle(index).display === "none") index.showPopover();
    field.focus();
  });
  index.addEventListener("click", (event) => {
    if (event.target.closest("a") && index.matches(":popover-open")) index.hidePopover();
  });
}

// The entry of the index that is read now: the last one whose section begins at the top of the window or above it.
function followReading(index) {
  const links = new Map([...index.querySelectorAll('a[href^="#"]')].map((link) => [link.hash.slice(1), link]));
  const sections = [...links.keys(), "objects"].map((id) => document.getElementById(id)).filter(Boolean);
  if (!sections.length) return;
  const mark = () => {
    const above = sections.filter((section) => section.getBoundingClientRect().top < 200);
    for (const link of links.values()) link.removeAttribute("aria-current");
    const link = links.get(above.at(-1)?.id);
    if (!link) return;
    link.setAttribute("aria-current", "location");
    const { top, bottom } = link.getBoundingClientRect();
    const frame = index.getBoundingClientRect();
    if (top < frame.top || bottom > frame.bottom) index.scrollTop += top - frame.top - frame.height / 3;
  };
  let waits = false;
  addEventListener("scroll", () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      mark();
    });
  }, { passive: true });
  mark();
}

function startCopies() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.closest("figure").querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

function rememberLanguage() {
  const choices = [...document.querySelectorAll("[name=language]")];
  const kept = choices.find((choice) => choice.value === localStorage.getItem("docs-language"));
  if (kept) kept.checked = true;
  for (const choice of choices) {
    choice.addEventListener("change", () => localStorage.setItem("docs-language", choice.value));
  }
}

const index = document.getElementById("index");
followOldAnchor();
addEventListener("hashchange", followOldAnchor);
startFilter(index);
followReading(index);
startCopies();
rememberLanguage();
