// What changed is fetched again, with the rights of the person, and put in its place: nothing moves, nothing loses the focus.
import { fetchInto, notBefore } from "./fetch.js";

const WAIT_MS = 150; // for more that changes at the same time
const SHOWN_MS = 2000; // between two requests, when what is shown changes all the time
const OTHERS_MS = 3000; // the same for tickets that may be new to the list
const VIEWS_MS = 15_000;
const MOST = 100;
const changed = new Set();
let isMissed = false;
let isBusy = false;
let began = 0;
let fetchedAt = 0;
let timer = 0;
let viewsAt = 0;
let viewsTimer = 0;

const shownTicket = () => document.getElementById("timeline")?.closest("[data-ticket]").dataset.ticket;
const isEditing = () => document.querySelector(".details :is(:popover-open, input:focus, select:focus)");
const rowOf = (id) => document.querySelector(`#rows > [id="${id}"]`);

async function refreshList(ids, missed) {
  const news = document.getElementById("news");
  const rows = [...document.querySelectorAll("#rows > *")];
  const shown = missed ? rows.map((row) => row.id) : ids.filter(rowOf);
  const known = news.querySelector("[data-new]")?.dataset.new.split(",") ?? [];
  const others = [...new Set([...known, ...ids.filter((id) => !rowOf(id))])];
  const query = Object.fromEntries(new URLSearchParams(news.dataset.list));
  query.shown = shown.slice(0, MOST).join();
  query.others = others.slice(0, MOST).join();
  query.last = rows.at(-1)?.id ?? "";
  if (!document.querySelector("#pager a, #news[data-more]")) query.whole = 1;
  if (missed) query.missed = 1;
  const isDone = await fetchInto(`/console/live/rows?${new URLSearchParams(query)}`);
  if (isDone && !missed) for (const id of shown) flash(rowOf(id));
  return isDone;
}

function flash(row) {
  if (!row) return;
  row.dataset.flash = "";
  row.addEventListener("animationend", () => delete row.dataset.flash, { once: true });
}

async function refreshTicket(ticket) {
  const page = document.documentElement;
  const isAtEnd = innerHeight + scrollY >= page.scrollHeight - 40;
  const { seen, last } = document.getElementById("timeline").dataset;
  const wasEditing = isEditing();
  const details = wasEditing ? "editing" : document.querySelector(".details").dataset.state;
  const query = { ...Object.fromEntries(new URLSearchParams(location.search)), seen, last, details };
  if (!(await fetchInto(`/console/tickets/${ticket}/live?${new URLSearchParams(query)}`))) return false;
  const form = document.querySelector("[data-composer]");
  const isEmpty = form && ![...form.querySelectorAll("textarea")].some((text) => text.value);
  if (isEmpty) form.elements.seen.value = document.getElementById("timeline").dataset.last;
  if (isAtEnd) scrollTo(0, page.scrollHeight);
  if (wasEditing || isEditing()) changed.add(ticket); // the details are still to come
  return true;
}

async function fetchShown(ids, missed) {
  const ticket = shownTicket();
  let isDone = true;
  if (document.getElementById("news")?.checkVisibility()) isDone = await refreshList(missed ? [] : ids, missed);
  if (ticket && (missed || ids.includes(ticket))) isDone = (await refreshTicket(ticket)) && isDone;
  if (!isDone) for (const id of ids) changed.add(id);
  isMissed ||= missed && !isDone;
}

async function refresh() {
  isBusy = true;
  const ids = [...changed];
  const missed = isMissed || ids.length > MOST;
  changed.clear();
  isMissed = false;
  try {
    await fetchShown(ids, missed);
  } finally {
    fetchedAt = Date.now();
    isBusy = false;
    began = 0;
    if (changed.size || isMissed) soon();
  }
}

async function refreshViews() {
  viewsTimer = 0;
  viewsAt = Date.now();
  const here = document.querySelector("#views [aria-current]")?.pathname ?? "";
  if (!(await fetchInto(`/console/live/views?${new URLSearchParams({ here })}`))) soonViews();
}

function soonViews() {
  const at = Math.max(Date.now() + WAIT_MS, viewsAt + VIEWS_MS, notBefore);
  viewsTimer ||= setTimeout(refreshViews, at - Date.now());
}

/** Fetches at once what is shown, unless that was done just now; a hidden tab waits until it is seen. */
function soon() {
  if (document.hidden || isBusy) return;
  began ||= Date.now();
  const isShown = isMissed || [...changed].some((id) => id === shownTicket() || rowOf(id));
  const at = Math.max(began + WAIT_MS, fetchedAt + (isShown ? SHOWN_MS : OTHERS_MS), notBefore);
  clearTimeout(timer);
  timer = setTimeout(refresh, at - Date.now());
  soonViews();
}

document.addEventListener("live", ({ detail }) => {
  if (detail.kind === "ticket") changed.add(detail.id);
  else if (detail.kind === "missed") isMissed = true;
  else return;
  soon();
});

document.addEventListener("visibilitychange", () => (changed.size || isMissed) && soon());
