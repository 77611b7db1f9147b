// A form that is sent without leaving its page: files stay chosen when it is refused or when the connection is gone.
const REFUSED = [409, 422]; // with the form in the answer, and what is wrong

/** Sends a form and opens the page that it leads to; calls ``shown`` with the form of the answer when it is refused. */
export async function send(form, shown) {
  const button = form.querySelector("[data-send]");
  const failed = form.querySelector("[data-failed]");
  button.disabled = true;
  failed.hidden = true;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (answer?.redirected) {
    answer.body?.cancel();
    location.assign(answer.url);
    return;
  }
  const page = answer && new DOMParser().parseFromString(await answer.text().catch(() => ""), "text/html");
  const refused = REFUSED.includes(answer?.status) && page.getElementById(form.id);
  button.disabled = false;
  if (refused) {
    for (const field of form.querySelectorAll("[type=file]")) refused.querySelector(`#${field.id}`).files = field.files;
    refused.querySelector("[data-again]")?.remove();
    form.replaceWith(refused);
    shown(refused);
    refused.querySelector("[autofocus]")?.focus();
  } else {
    failed.textContent = page?.querySelector(".words p")?.textContent ?? failed.dataset.failed;
    failed.hidden = false;
  }
}
