// Drafts: what is typed is kept in the browser at once and on the server after a pause, through reloads, crashes and an
// expired session. Another device finds it, too.
import { forget, PREFIX } from "../kept.js";

const PAUSE_MS = 1000;
let timer = 0;
let waiting = null; // the words that were typed last
let saving = Promise.resolve();

const stem = (form, kind) => `${PREFIX}${form.dataset.user}.${form.dataset.composer}.${kind}.`;
const keyOf = (form, kind) => stem(form, kind) + form.elements.once.value;

/** The words of a kind of message that is not shown. */
export const stash = (form, kind) => form.querySelector(`textarea[data-kind="${kind}"]`);
const field = (form, kind) => (form.dataset.kind === kind ? form.elements.text : stash(form, kind));

/** Goes on with words that an earlier page could not save, unless the draft has them; returns when they were typed, or 0. */
export function adopt(form, kind) {
  const text = field(form, kind);
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(stem(form, kind)));
  const kept = keys.map((key) => ({ key, ...JSON.parse(localStorage.getItem(key)) })).sort((a, b) => b.at - a.at);
  for (const same of kept.filter((words) => words.text === text.value)) localStorage.removeItem(same.key);
  const newest = kept[0];
  if (!newest || newest.text === text.value) return 0;
  text.value = newest.text;
  stash(form, kind).dataset.was = newest.key.slice(stem(form, kind).length);
  changed(form, kind);
  flush();
  localStorage.removeItem(newest.key);
  return newest.at;
}

/** Keeps the words of a kind of message. */
export function changed(form, kind) {
  const key = keyOf(form, kind);
  if (waiting && waiting.key !== key) flush();
  const text = field(form, kind).value;
  const kept = JSON.stringify({ text, at: Date.now() });
  localStorage.setItem(key, kept);
  const fields = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  fields.set("text", text);
  fields.set("visibility", kind);
  fields.set("was", stash(form, kind).dataset.was ?? "");
  document.getElementById("saved").textContent = "";
  waiting = { form, kind, key, kept, text, fields };
  clearTimeout(timer);
  timer = setTimeout(flush, PAUSE_MS);
}

function flush() {
  clearTimeout(timer);
  if (!waiting) return;
  const words = waiting;
  waiting = null;
  saving = saving.then(() => save(words)).catch(reportError); // the next ones are saved all the same
}

async function save({ form, kind, key, kept, text, fields }) {
  const sent = { method: "POST", body: fields, redirect: "manual", keepalive: true };
  const answer = await fetch(form.dataset.save, sent).catch(() => null);
  const wasSent = answer?.status === 410; // the answer to the sending was lost
  const isWhole = localStorage.getItem(key) === kept;
  if ((answer?.ok || wasSent) && isWhole) localStorage.removeItem(key);
  if (wasSent && stash(form, kind).dataset.was && field(form, kind).value === text) field(form, kind).value = "";
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page) document.dispatchEvent(new CustomEvent("draft", { detail: page }));
  if (!form.isConnected) return;
  const state = document.getElementById("saved");
  if (page) show(page, isWhole);
  else state.textContent = wasSent ? "" : state.dataset.local;
}

/** Shows other drafts, and when this one was saved unless words were added since. */
function show(page, isWhole) {
  for (const id of isWhole ? ["saved", "other-drafts"] : ["other-drafts"]) {
    const [before, after] = [document.getElementById(id), page.getElementById(id)];
    if (!before || !after) continue; // the page is being replaced
    if (id !== "saved" && before.dataset.drafts === after.dataset.drafts) continue;
    before.replaceWith(after);
    htmx.process(after);
  }
}

document.addEventListener("visibilitychange", flush);

document.addEventListener("submit", ({ target }) => {
  if (!target.matches("[data-sign-out]")) return;
  flush();
  forget();
});

document.addEventListener("htmx:before:request", ({ target }) => {
  if (!target.matches?.("[data-composer]")) return;
  if (waiting?.key === keyOf(target, target.dataset.kind)) waiting = null;
  flush();
});

document.addEventListener("htmx:after:request", ({ target, detail }) => {
  if (!target.matches?.("[data-composer]") || detail.ctx.response?.status !== 200) return;
  localStorage.removeItem(keyOf(target, target.dataset.kind));
});
