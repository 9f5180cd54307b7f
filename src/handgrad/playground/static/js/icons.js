/** The page's icons: strokes on a 24 by 24 grid, in the colour of the text beside them. */
import { s } from "./dom.js";

const PATHS = {
  run: "M8 5.5v13l10.5-6.5z",
  pause: "M8.5 5.5v13M15.5 5.5v13",
  step: "M6 6v12l8-6zM17.5 6v12",
  batch: "M9 7v10l6.5-5z",
  reset: "M5 12a7 7 0 1 0 2.2-5.1M5 4.5V9h4.5",
  dice: "M5 5h14v14H5zM9 9v.01M15 15v.01M12 12v.01M15 9v.01M9 15v.01",
  plus: "M12 6v12M6 12h12",
  minus: "M6 12h12",
  close: "M7 7l10 10M17 7L7 17",
  lock: "M6.5 11h11v8h-11zM9 11V8.5a3 3 0 0 1 6 0V11",
  unlock: "M6.5 11h11v8h-11zM9 11V8.5a3 3 0 0 1 5.8-1",
  share: "M12 14V4M8.5 7.5L12 4l3.5 3.5M6 11v8h12v-8",
  download: "M12 4v10M8.5 10.5L12 14l3.5-3.5M6 15v4h12v-4",
  eye: "M3.5 12S7 6.5 12 6.5 20.5 12 20.5 12 17 17.5 12 17.5 3.5 12 3.5 12zM12 14.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  brush: "M14 6l4 4-8 8H6v-4zM12 8l4 4",
  erase: "M9 19h10M5 14l8-8 6 6-6 6H9z",
  previous: "M14.5 6L8.5 12l6 6",
  next: "M9.5 6l6 6-6 6",
  alert: "M12 5l8 14H4zM12 10.5v4M12 16.8v.01",
  check: "M6 12.5l4 4 8-9",
  regenerate: "M6 9a7 7 0 0 1 12-1.5M18 4v4h-4M18 15a7 7 0 0 1-12 1.5M6 20v-4h4",
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {IconName} name @param {number} [size] */
export function icon(name, size = 20) {
  return s("svg", { viewBox: "0 0 24 24", width: size, height: size, class: `icon icon-${name}`, "aria-hidden": "true", focusable: "false" }, s("path", { d: PATHS[name] }));
}
