// Fetches fragments of a page with the rights of the person, and says when the server has to be asked again.
const AGAIN_MS = 2000; // after the first failure; doubled after each further one
const BUSY_MOST_MS = 60_000;
const LOST_MOST_MS = 5000; // while there is no answer at all: what is missed is shown soon after the connection is back
let failures = 0;
export let notBefore = 0; // when to fetch again after a failure

/**
 * Puts the fragments that an address answers into the page, unless another one was opened meanwhile. Returns false when it
 * has to be fetched again: there was no whole answer, or the server is busy or broken.
 */
export async function fetchInto(address, options) {
  const main = document.getElementById("main");
  const answer = await fetch(address, { headers: { "HX-Request": "true" }, ...options }).catch(() => null);
  const text = answer?.ok ? await answer.text().catch(() => null) : "";
  if (text === null || !answer || answer.status === 429 || answer.status >= 500) {
    const most = answer ? BUSY_MOST_MS : LOST_MOST_MS;
    const pause = Math.min(most, AGAIN_MS * 2 ** failures++) * (0.5 + Math.random() / 2);
    notBefore = Date.now() + Math.max(pause, 1000 * Number(answer?.headers.get("Retry-After") ?? 0) || 0);
    return false;
  }
  failures = 0;
  if (text && main.isConnected) await put(text);
  return true;
}

/** Puts fragments into the page. An error in one is reported, and is no reason to fetch it again. */
export async function put(text) {
  try {
    await htmx.swap({ text, sourceElement: document.getElementById("live"), swap: "none" });
  } catch (error) {
    reportError(error);
  }
}

/** Returns why the server refused something: the words on the page that it answered. */
export async function reasonOf(answer) {
  const page = new DOMParser().parseFromString(await answer.text().catch(() => ""), "text/html");
  return page.querySelector("main .words p")?.textContent ?? "";
}
