/** The ready-made inputs of a plane, as the library defines them, for the small maps beside the network. */

/** @type {Record<string, (x: number, y: number) => number>} */
const FEATURES = {
  x1: (x) => x,
  x2: (_, y) => y,
  x1_squared: (x) => x * x,
  x2_squared: (_, y) => y * y,
  product: (x, y) => x * y,
  sin_x1: (x) => Math.sin(Math.PI * x),
  sin_x2: (_, y) => Math.sin(Math.PI * y),
  radius: (x, y) => Math.hypot(x, y),
};

/** The window in the units in which the network takes its two columns. @param {Scene} scene @returns {Scene["window"]} */
export function inputWindow({ window: [left, right, bottom, top], input_scale }) {
  const [[mean1, scale1], [mean2, scale2]] = input_scale ?? [[0, 1], [0, 1]];
  return [(left - mean1) / scale1, (right - mean1) / scale1, (bottom - mean2) / scale2, (top - mean2) / scale2];
}

/**
 * An input's values over a window at the middles of its pixels, the first row at the top.
 * @param {string} name @param {[number, number, number, number]} window @param {number} size
 */
export function featureMap(name, window, size) {
  const mark = [name, size, ...window].join();
  if (mark !== last.mark) last = { mark, values: computed(name, window, size) };
  return last.values;
}

/**
 * The map that was asked for last: one under the pointer is painted with each frame.
 * @type {{mark: string, values: Float32Array | null}}
 */
let last = { mark: "", values: null };

/** @param {string} name @param {[number, number, number, number]} window @param {number} size */
function computed(name, [left, right, bottom, top], size) {
  const feature = FEATURES[name];
  if (!feature) return null;
  const values = new Float32Array(size * size);
  for (let row = 0; row < size; row++) {
    const y = top + ((bottom - top) * (row + 0.5)) / size;
    for (let column = 0; column < size; column++) {
      values[row * size + column] = feature(left + ((right - left) * (column + 0.5)) / size, y);
    }
  }
  return values;
}

/** @param {string} name */
export const hasFeature = (name) => name in FEATURES;

/** A plain map that grows along one direction, for inputs without a formula. @param {number} size @param {boolean} upward */
export function rampMap(size, upward) {
  const grown = (/** @type {number} */ step) => (2 * step) / (size - 1) - 1;
  return Float32Array.from({ length: size * size }, (_, i) => (upward ? -grown(Math.floor(i / size)) : grown(i % size)));
}
