// What is typed into a form is kept in this browser until it is sent: through reloads, crashes and an expired session.
export const PREFIX = "clearline.draft."; // of every key that signing out deletes
const KEEP_MS = 30 * 86_400_000;
const isChosen = (field) => ["radio", "checkbox"].includes(field.type); // or not: its value stays
const FIELDS = "input[id]:not([type=file]), select[id], textarea[id]";

/** Keeps the fields of a form that have an id. */
export function keep(form, key) {
  const values = [...form.querySelectorAll(FIELDS)].map((field) => [field.id, isChosen(field) ? field.checked : field.value]);
  localStorage.setItem(key, JSON.stringify({ at: Date.now(), values: Object.fromEntries(values) }));
}

/** Fills in what was kept; returns whether there was something. */
export function restore(form, key) {
  const kept = JSON.parse(localStorage.getItem(key) ?? "null");
  if (kept && Date.now() - kept.at > KEEP_MS) localStorage.removeItem(key);
  if (!kept || Date.now() - kept.at > KEEP_MS) return false;
  for (const [id, value] of Object.entries(kept.values)) {
    const field = document.getElementById(id);
    if (!field || field.form !== form) continue;
    if (isChosen(field)) field.checked = value;
    else field.value = value;
  }
  return true;
}

/** Deletes everything that was kept: whoever signs out leaves nothing behind. */
export function forget() {
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
}
