// The slider beside the field of a hue: each shows what the other has.
document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-hue]")) return;
  const [field, slider] = target.parentElement.querySelectorAll("[data-hue]");
  if (target === field) slider.value = field.value;
  else {
    field.value = slider.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
