// Files that are dropped on a form or pasted into it are chosen in its field for files.
const formOf = (target) => target.closest?.("form:has([type=file])");

function choose(form, files) {
  const field = form.querySelector("[type=file]");
  const all = new DataTransfer();
  for (const file of [...field.files, ...files]) all.items.add(file);
  field.files = all.files;
}

document.addEventListener("paste", (event) => {
  const form = formOf(event.target);
  if (!form || !event.clipboardData.files.length) return;
  event.preventDefault();
  choose(form, event.clipboardData.files);
});

document.addEventListener("dragover", (event) => {
  if (formOf(event.target)) event.preventDefault();
});

document.addEventListener("drop", (event) => {
  const form = formOf(event.target);
  if (!form || !event.dataTransfer.files.length) return;
  event.preventDefault();
  choose(form, event.dataTransfer.files);
});
