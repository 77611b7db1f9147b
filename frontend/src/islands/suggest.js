// Suggestions: the browser's list of a query offers the filters that complete its last word.
const LAST = /(?:^|\s)-?((?:[a-z]+:)?(?:"[^"]*|[^\s"]*))$/i;
const known = new WeakMap(); // the filters of each list

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-suggest]")) return;
  const list = target.list;
  const filters = known.get(list) ?? [...list.options].map((option) => option.value);
  known.set(list, filters);
  const word = LAST.exec(target.value)?.[1] ?? "";
  const before = target.value.slice(0, target.value.length - word.length);
  const bare = (text) => text.toLowerCase().replaceAll('"', "");
  const fitting = filters.filter((filter) => word && bare(filter).startsWith(bare(word)));
  list.replaceChildren(...fitting.map((filter) => new Option("", before + filter)));
});
