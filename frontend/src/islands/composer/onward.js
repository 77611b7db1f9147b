// Send and open the next ticket. The page of the sent message comes first: it has the toast with Undo, which stays.
let goesOn = false;
let isSent = false;

document.addEventListener(
  "submit",
  ({ target, submitter }) => {
    goesOn = target.matches("[data-composer]") && Boolean(submitter?.matches("[data-next]"));
  },
  true,
);

document.addEventListener("htmx:before:swap", ({ detail }) => {
  const { sourceElement, response } = detail.ctx ?? {};
  if (!goesOn || !sourceElement?.matches("[data-composer]")) return;
  goesOn = false;
  isSent = response.status < 400;
});

document.addEventListener("htmx:after:swap", () => {
  if (!isSent) return;
  isSent = false;
  setTimeout(() => (document.querySelector("#neighbours [data-key=j]") ?? document.querySelector(".talk [data-key=u]"))?.click());
});
