/** Numbers by rows and columns, at most eight of each; an entry can be opened. */
import { h } from "./dom.js";

const MOST = 8;
const MINUS = "\u2212";

/** Six significant digits, as a calculator shows them. @param {number | null} value */
export function exact(value) {
  if (value === null) return "nan";
  return String(Number(value.toPrecision(6))).replace("-", MINUS).replace("e-", `e${MINUS}`);
}

/** @param {any} value @returns {(number | null)[][]} */
function rows(value) {
  if (!Array.isArray(value)) return [[value]];
  if (!Array.isArray(value[0])) return [value];
  return value;
}

/**
 * @param {any} value nested by rows and columns
 * @param {{entry?: (place: number[]) => (() => void) | null, chosen?: string, label: string}} options
 */
export function matrix(value, options) {
  const all = rows(value);
  const flat = !Array.isArray(value) || !Array.isArray(value[0]);
  const cell = (/** @type {number | null} */ number, /** @type {number} */ i, /** @type {number} */ j) => {
    const place = !Array.isArray(value) ? [] : flat ? [j] : [i, j];
    const open = options.entry?.(place);
    const text = exact(number);
    const inside = open ? h("button", { type: "button", class: "entry", "data-testid": `entry-${place.join("-")}`, "aria-pressed": String(options.chosen === place.join()), onclick: open }, text) : text;
    return h("td", { class: "number", title: String(number) }, inside);
  };
  const drawn = all.slice(0, MOST).map((row, i) => h("tr", {}, ...row.slice(0, MOST).map((number, j) => cell(number, i, j)), row.length > MOST ? h("td", {}, "…") : null));
  if (all.length > MOST) drawn.push(h("tr", {}, h("td", {}, "⋮")));
  return h("div", { class: "matrix-scroll", tabindex: all[0]?.length > 4 ? 0 : null, role: all[0]?.length > 4 ? "group" : null, "aria-label": all[0]?.length > 4 ? options.label : null }, h("table", { class: "matrix", "aria-label": options.label }, h("tbody", {}, ...drawn)));
}

/** @param {number[]} shape */
export const shapeText = (shape) => (shape.length ? `(${shape.join(", ")})` : "");
