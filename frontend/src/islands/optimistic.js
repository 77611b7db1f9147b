// The forms in the details of a ticket: what is chosen is shown at once, and what was not saved is put back with the reason.
// The page stays: the answer has only what changed. Forms are sent one after the other, each with what is shown by then.
import { put, reasonOf } from "./live/fetch.js";
import { tell, tellWithUndo } from "./toast.js";

const before = new WeakMap(); // what the button of a picker and the strip showed
const unsaved = [];
let saving = Promise.resolve();

const picker = (name) => document.getElementById(`pick-${name}`);
const opener = (name) => document.querySelector(`[popovertarget="pick-${name}"]`);
const shows = (name) => document.querySelectorAll(`[popovertarget="pick-${name}"], [data-shows="${name}"]`);
const option = (name, value) => picker(name)?.querySelector(`[role=option][value="${CSS.escape(value)}"]`);
const shownTicket = () => document.querySelector(".details")?.closest("[data-ticket]")?.dataset.ticket;
const isShown = ({ ticket, form }) => ticket === shownTicket() && "shown" in form.elements;

/** What the button of a picker shows for a value: its option, or the tags. */
function looks({ name, value }) {
  if (name === "tags") {
    return value.split(/[\s,]+/).filter(Boolean).map((text) => {
      const chip = document.createElement("span");
      chip.className = "chip";
      chip.textContent = text.toLowerCase();
      return chip;
    });
  }
  return [...(option(name, value)?.cloneNode(true).childNodes ?? [])].filter((node) => !node.matches?.("span.quiet"));
}

function mark(name, value) {
  for (const other of picker(name).querySelectorAll("[role=option]")) other.ariaSelected = String(other.value === value);
}

function show(change) {
  const nodes = looks(change);
  if (!isShown(change) || !picker(change.name) || !nodes.length) return;
  for (const place of shows(change.name)) {
    if (!("saving" in place.dataset)) before.set(place, [...place.childNodes]);
    place.dataset.saving = change.value;
    place.replaceChildren(...nodes.map((node) => node.cloneNode(true)));
  }
  mark(change.name, change.value);
}

function putBack({ name, form }, isSaved) {
  if (unsaved.some((other) => other.name === name)) return;
  for (const place of shows(name)) {
    if (!isSaved && "saving" in place.dataset) place.replaceChildren(...before.get(place));
    delete place.dataset.saving;
  }
  if (!isSaved && picker(name)) mark(name, form.elements.shown.value);
}

/** Says what was changed, with a button that chooses the value before in the same picker. */
function offer({ name, form, was }) {
  const [back, shown] = [option(name, was), opener(name).cloneNode(true)];
  for (const hidden of shown.querySelectorAll("[aria-hidden=true]")) hidden.remove();
  const text = `${picker(name).ariaLabel}: ${[...shown.childNodes].map((node) => node.textContent.trim()).join(" ").trim()}`;
  if (!back && name !== "tags") return tell(text);
  tellWithUndo(text, () => {
    if (name !== "tags") return option(name, was)?.click();
    form.elements.tags.value = was;
    form.requestSubmit();
  });
}

async function save(change) {
  const { form, fields, name, ticket } = change;
  const [main, { dataset }] = [document.getElementById("main"), document.getElementById("toast")];
  const hasShown = "shown" in form.elements;
  if (hasShown) fields.set("shown", (change.was = form.elements.shown.value));
  const address = new URL(form.action);
  const { seen, last } = document.getElementById("timeline")?.dataset ?? {};
  const { state } = document.querySelector(".details")?.dataset ?? {};
  for (const [key, value] of Object.entries({ seen, last, details: state })) address.searchParams.set(key, value ?? "none");
  const answer = await fetch(address, { method: "POST", body: fields, headers: { "HX-Request": "true" } }).catch(() => null);
  unsaved.splice(unsaved.indexOf(change), 1);
  const signIn = answer?.headers.get("HX-Redirect");
  if (signIn) return location.assign(signIn);
  if (answer?.ok) {
    const text = await answer.text().catch(() => "");
    if (hasShown) form.elements.shown.value = change.value;
    if (!form.matches(":popover-open")) form.reset(); // what was typed is saved
    if (text && main.isConnected) await put(text);
    if (!isShown(change)) return;
    putBack(change, true);
    const isLast = !unsaved.some((other) => other.name === name);
    return isLast && change.was !== change.value ? offer(change) : undefined;
  }
  if (isShown(change)) putBack(change, false);
  const { offline, failed, busy } = dataset;
  const reason = !answer ? offline : answer.status >= 500 ? failed : answer.status === 429 ? busy : await reasonOf(answer);
  tell(ticket === shownTicket() ? reason : `${ticket}: ${reason}`);
  if (ticket === shownTicket() && form.querySelector("input[type=text]:not([data-filter])")) form.showPopover(); // with what was typed
  document.dispatchEvent(new CustomEvent("live", { detail: { kind: "ticket", id: ticket } }));
}

document.addEventListener(
  "submit",
  (event) => {
    const { target: form, submitter } = event;
    if (!form.matches("[data-ticket] .details form[method=post]:not([data-selects])")) return;
    event.preventDefault();
    event.stopPropagation();
    const fields = new URLSearchParams(new FormData(form, submitter));
    const name = submitter?.name || (form.elements.tags ? "tags" : "");
    const value = fields.get(name) === "me" ? document.body.dataset.user : fields.get(name);
    const change = { form, fields, name, value, ticket: shownTicket() };
    unsaved.push(change);
    if (form.matches(":popover-open")) {
      form.hidePopover();
      document.querySelector(`[popovertarget="${form.id}"]`).focus({ preventScroll: true });
    }
    show(change);
    saving = saving.then(() => save(change)).catch(reportError); // the next ones are saved all the same
  },
  true,
);
document.addEventListener("htmx:after:swap", () => unsaved.forEach(show));
