// The cursor of a list is the focus of the row's link, so that screen readers follow it.
let last = null;
let cursor = null; // the row that had the focus last: its id and place

const boxes = () => [...document.querySelectorAll("#rows [name=ticket]")];

/** Shows how many rows are selected, and the state of the box above them. */
function count() {
  const shown = document.querySelector("[data-count]");
  if (!shown) return;
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  shown.textContent = chosen === 1 ? shown.dataset.one : shown.dataset.many.replace("%s", chosen);
  const above = document.querySelector("[data-all]");
  above.hidden = false;
  above.checked = chosen > 0 && chosen === all.length;
  above.indeterminate = chosen > 0 && chosen < all.length;
}

function tick(kind) {
  const all = boxes();
  if (kind === "all") {
    const isOn = all.every((box) => box.checked);
    for (const box of all) box.checked = !isOn;
  } else {
    const box = document.activeElement?.closest("#rows tr")?.querySelector("[name=ticket]");
    if (!box) return;
    const from = kind === "range" && last?.isConnected ? all.indexOf(last) : all.indexOf(box);
    const to = all.indexOf(box);
    const isOn = kind === "range" || !box.checked;
    for (const other of all.slice(Math.min(from, to), Math.max(from, to) + 1)) other.checked = isOn;
    last = box;
  }
  count();
}

document.addEventListener("move", ({ target, detail }) => {
  if (target.dataset.tick) return tick(target.dataset.tick);
  const links = [...(target.closest("main")?.querySelectorAll("[data-row]") ?? [])];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (detail > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + detail, 0), links.length - 1);
  links[next].focus();
  links[next].closest("tr, li").scrollIntoView({ block: "nearest" });
});

document.addEventListener("focusin", ({ target }) => {
  const row = target.closest?.("#rows > *");
  if (row) cursor = { id: row.id, at: [...row.parentElement.children].indexOf(row) };
});

/** Puts the cursor where it was before the list was shown again: on the same row, or on the one that took its place. */
export function restoreCursor() {
  const rows = document.getElementById("rows")?.children ?? [];
  const row = cursor && (document.getElementById(cursor.id) ?? rows[Math.min(cursor.at, rows.length - 1)]);
  (row?.querySelector("[data-row]") ?? document.getElementById("main")).focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches("[data-all], [name=ticket]")) {
    last = event.target;
    count();
  }
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

document.addEventListener("reset", ({ target }) => {
  if (target.id !== "bulk") return;
  setTimeout(() => {
    for (const box of boxes()) box.checked = false; // also what the server had checked
    count();
  });
});
document.addEventListener("htmx:after:swap", count);
count();
