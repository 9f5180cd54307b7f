/** Where data points fall on the plane's canvas, and back. */

export const MARGIN = { left: 38, right: 10, top: 20, bottom: 36 };

/**
 * @typedef {object} View
 * @property {(x: number) => number} toX from the window to pixels
 * @property {(y: number) => number} toY
 * @property {(px: number) => number} fromX and back
 * @property {(py: number) => number} fromY
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {[number, number, number, number]} window
 */

/** @param {Scene} scene @param {number} width @param {number} height @returns {View} */
export function planeView(scene, width, height) {
  const [x0, x1, y0, y1] = scene.window;
  const inner = {
    left: MARGIN.left,
    top: MARGIN.top,
    width: Math.max(10, width - MARGIN.left - MARGIN.right),
    height: Math.max(10, height - MARGIN.top - MARGIN.bottom),
  };
  return {
    ...inner,
    window: scene.window,
    toX: (x) => inner.left + ((x - x0) / (x1 - x0)) * inner.width,
    toY: (y) => inner.top + ((y1 - y) / (y1 - y0)) * inner.height,
    fromX: (px) => x0 + ((px - inner.left) / inner.width) * (x1 - x0),
    fromY: (py) => y1 - ((py - inner.top) / inner.height) * (y1 - y0),
  };
}

/** @typedef {{row: number, part: "train" | "test", x: number, y: number, target: number}} Found */

/**
 * The point nearest to a place on the canvas, within `reach` pixels.
 * @param {Scene} scene @param {View} view @param {number} px @param {number} py
 * @param {number} reach @param {boolean} withTest @returns {Found | null}
 */
export function nearest(scene, view, px, py, reach, withTest) {
  /** @type {Found | null} */
  let best = null;
  let least = reach * reach;
  for (const part of /** @type {("train" | "test")[]} */ (withTest ? ["train", "test"] : ["train"])) {
    scene[part].points.forEach(([x, y], row) => {
      const distance = (view.toX(x) - px) ** 2 + (view.toY(y) - py) ** 2;
      if (distance <= least) {
        least = distance;
        best = { row, part, x, y, target: scene[part].y[row] };
      }
    });
  }
  return best;
}

/** The output's values at a place of the window. @param {FrameArray} output @param {View} view @param {number} x @param {number} y */
export function outputsAt(output, view, x, y) {
  const [count, rows, columns] = output.shape;
  const [x0, x1, y0, y1] = view.window;
  const column = Math.floor(((x - x0) / (x1 - x0)) * columns);
  const row = Math.floor(((y1 - y) / (y1 - y0)) * rows);
  if (column < 0 || row < 0 || column >= columns || row >= rows) return null;
  return Array.from({ length: count }, (_, k) => output.values[(k * rows + row) * columns + column]);
}

/** A network's output in the units of the data. @param {Scene} scene @param {number} output */
export function inUnits(scene, output) {
  const [centre, scale] = (!scene.classes && scene.target_scale) || [0, 1];
  return centre + scale * output;
}

/** @type {WeakMap<Scene, [number, number]>} */
const extents = new WeakMap();

/** The least and the largest target, in the units of the data. @param {Scene} scene @returns {[number, number]} */
function extent(scene) {
  const known = extents.get(scene);
  if (known) return known;
  const all = [...scene.train.y, ...scene.test.y];
  /** @type {[number, number]} */
  const found = all.length ? [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))] : [-1, 1];
  extents.set(scene, found);
  return found;
}

/** The middle and the half width of a regression's colours. @param {Scene} scene */
export function valueScale(scene) {
  const [low, high] = extent(scene);
  const middle = low < 0 && high > 0 ? 0 : (low + high) / 2;
  return { middle, half: Math.max(Math.abs(low - middle), Math.abs(high - middle), 1e-9) };
}
