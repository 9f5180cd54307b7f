/** The ready-made inputs of a plane, as the library defines them, for the small maps beside the network. */

/** @type {Record<string, (x: number, y: number) => number>} */
export const FEATURES = {
  x1: (x) => x,
  x2: (_, y) => y,
  x1_squared: (x) => x * x,
  x2_squared: (_, y) => y * y,
  x1_x2: (x, y) => x * y,
  x1x2: (x, y) => x * y,
  product: (x, y) => x * y,
  sin_x1: (x) => Math.sin(x),
  sin_x2: (_, y) => Math.sin(y),
  cos_x1: (x) => Math.cos(x),
  cos_x2: (_, y) => Math.cos(y),
  radius: (x, y) => Math.hypot(x, y),
};

/**
 * An input's values over the window, the first row at the top.
 * @param {string} name @param {[number, number, number, number]} window @param {number} size
 */
export function featureMap(name, [left, right, bottom, top], size) {
  const feature = FEATURES[name];
  if (!feature) return null;
  const values = new Float32Array(size * size);
  for (let row = 0; row < size; row++) {
    const y = top + ((bottom - top) * row) / (size - 1);
    for (let column = 0; column < size; column++) values[row * size + column] = feature(left + ((right - left) * column) / (size - 1), y);
  }
  return values;
}
