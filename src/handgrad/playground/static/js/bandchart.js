/** Curves of many seeds as bands: the middle half-way, the band from the lowest to the highest tenth. */
import { classColour } from "./colours.js";
import { s } from "./dom.js";
import { tickText, ticks } from "./figures.js";

const WIDTH = 420;
const HEIGHT = 200;
const EDGE = { left: 46, right: 10, top: 10, bottom: 24 };

/** @typedef {{name: string, epochs: number[], band: Band}} Curve */

/** @param {Curve[]} curves @param {string} label */
export function bandChart(curves, label) {
  const finite = curves.flatMap(({ band }) => [...band.low, ...band.high]).filter((value) => value !== null);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const last = Math.max(...curves.map(({ epochs }) => epochs[epochs.length - 1] ?? 1));
  const first = Math.min(...curves.map(({ epochs }) => epochs[0] ?? 0));
  const x = (/** @type {number} */ epoch) => EDGE.left + ((epoch - first) / Math.max(1e-9, last - first)) * (WIDTH - EDGE.left - EDGE.right);
  const y = (/** @type {number | null} */ value) => EDGE.top + ((high - (value ?? low)) / Math.max(1e-12, high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const path = (/** @type {number[]} */ epochs, /** @type {(number | null)[]} */ values) => epochs.map((epoch, i) => `${x(epoch).toFixed(1)} ${y(values[i]).toFixed(1)}`);
  const grid = [
    ...ticks(low, high, 4).map((mark) => s("g", {}, s("line", { class: "grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(mark), y2: y(mark) }), s("text", { x: EDGE.left - 6, y: y(mark) + 4, "text-anchor": "end" }, tickText(mark)))),
    ...ticks(first, last, 5).map((mark) => s("text", { x: x(mark), y: HEIGHT - 6, "text-anchor": "middle" }, tickText(mark))),
  ];
  const drawn = curves.map(({ epochs, band }, i) => {
    const upper = path(epochs, band.high);
    const lower = path(epochs, band.low).reverse();
    const colour = classColour(1 - i);
    return s("g", {}, s("path", { d: `M${[...upper, ...lower].join("L")}Z`, fill: colour, "fill-opacity": 0.16 }), s("path", { d: `M${path(epochs, band.middle).join("L")}`, fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": i ? "6 4" : null }));
  });
  return s("svg", { class: "band-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, ...grid, ...drawn);
}
