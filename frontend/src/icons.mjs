// The icons of the sprite: null for one of Lucide (ISC licence), or the shapes of our own on a grid of 24.
const bars = (heights) =>
  heights
    .map((lit, at) => {
      const height = 7 + at * 5;
      const x = 3 + at * 7;
      return `<rect x="${x}" y="${21 - height}" width="4.5" height="${height}" rx="1" fill="currentColor" stroke="none"${lit ? "" : ' opacity=".28"'}/>`;
    })
    .join("");

export const icons = {
  "arrow-up-down": null,
  ban: null,
  bookmark: null,
  check: null,
  "chevron-down": null,
  "chevron-left": null,
  "chevron-right": null,
  "chevron-up": null,
  "circle-check": null,
  "circle-dashed": null,
  "circle-dot": null,
  "circle-pause": null,
  "circle-x": null,
  clock: null,
  eye: null,
  "git-commit-horizontal": null,
  "git-merge": null,
  history: null,
  inbox: null,
  keyboard: null,
  layers: null,
  "link-2": null,
  list: null,
  lock: null,
  "log-out": null,
  mail: null,
  menu: null,
  "message-square-x": null,
  monitor: null,
  moon: null,
  paperclip: null,
  plus: null,
  "rotate-ccw": null,
  search: null,
  slash: null,
  split: null,
  sun: null,
  "triangle-alert": null,
  "user-round": null,
  x: null,
  critical:
    '<rect x="2" y="2" width="20" height="20" rx="4.5" fill="currentColor" stroke="none"/><path d="M12 6.5v6.5" stroke="#fff" stroke-width="3"/><path d="M12 17.4v.1" stroke="#fff" stroke-width="3.2"/>',
  high: bars([1, 1, 1]),
  medium: bars([1, 1, 0]),
  low: bars([1, 0, 0]),
  brand: '<path d="M2 12h4.5l3-8 5 16 3-8H22"/>',
};
