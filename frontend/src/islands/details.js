// The details of a ticket are shown or hidden, as this browser remembers.
const OFF = "clearline.details.off";

function show() {
  const isOff = localStorage.getItem(OFF) === "1";
  document.documentElement.toggleAttribute("data-no-details", isOff);
  for (const button of document.querySelectorAll("[data-details]")) {
    button.hidden = false;
    button.ariaExpanded = String(!isOff);
  }
}

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-details]")) return;
  localStorage.setItem(OFF, document.documentElement.hasAttribute("data-no-details") ? "" : "1");
  show();
});
document.addEventListener("htmx:after:swap", show);
show();

// What is selected in a message goes into the form that redacts it. A press on its button would end the selection.
document.addEventListener("pointerdown", (event) => {
  if (event.target.closest("[data-selects]")) event.preventDefault();
});
document.addEventListener(
  "submit",
  ({ target }) => {
    if (target.matches("[data-selects]")) target.elements.text.value = getSelection();
  },
  true,
);
