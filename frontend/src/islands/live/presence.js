// Presence: a page of a ticket reports that its person views it or writes, and shows who else does.
import { fetchInto } from "./fetch.js";

const TICK_MS = 5000;
const REPORT_MS = 20_000;
const WRITING_MS = 15_000;
const FIRST_MS = 1000; // who only passes by is not there
const tab = Math.random().toString(36).slice(2);
let ticket = "";
let reported = "";
let reportedAt = 0;
let wroteAt = 0;
let timer = 0;

const path = (number) => `/console/tickets/${number}/presence`;

function activity() {
  if (document.hidden) return "hidden";
  return Date.now() - wroteAt < WRITING_MS ? "writing" : "viewing";
}

function body(state) {
  const csrf = document.querySelector("[name=csrf]")?.value ?? "";
  return new URLSearchParams({ csrf, tab, activity: state });
}

function report() {
  if (!ticket) return;
  reported = activity();
  reportedAt = Date.now();
  fetchInto(path(ticket), { method: "POST", body: body(reported) });
}

function leave() {
  clearTimeout(timer);
  if (ticket && reported) navigator.sendBeacon(path(ticket), body("gone"));
  ticket = reported = "";
}

function arrive() {
  const number = document.getElementById("presence") ? document.querySelector("[data-ticket]").dataset.ticket : "";
  if (number === ticket) return;
  leave();
  ticket = number;
  wroteAt = 0;
  if (ticket) timer = setTimeout(report, FIRST_MS);
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-composer] textarea")) return;
  wroteAt = Date.now();
  if (reported === "viewing") report();
});

document.addEventListener("htmx:after:swap", ({ target, detail }) => {
  if (target.matches?.("[data-composer]") || detail.ctx?.sourceElement?.matches("[data-composer]")) wroteAt = 0; // it was sent
  arrive();
});
document.addEventListener("visibilitychange", () => reported && report());
document.addEventListener("live", ({ detail }) => {
  if (detail.kind === "presence" && detail.id === ticket) fetchInto(path(ticket));
});
setInterval(() => {
  if (reported && (activity() !== reported || Date.now() - reportedAt > REPORT_MS)) report();
}, TICK_MS);
addEventListener("pagehide", leave);
addEventListener("pageshow", arrive);
arrive();
