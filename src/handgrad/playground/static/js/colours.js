/**
 * Colours: a diverging scale, orange below zero and blue above, that the colour-blind can tell apart, and up to
 * ten class colours after Okabe and Ito. Both are tuned for a light and a dark page.
 */

/** @typedef {[number, number, number]} Rgb */

/** `none` is for what is no number. @typedef {{low: Rgb, zero: Rgb, high: Rgb, none: Rgb}} Scale */

const SCALES = {
  light: /** @type {Scale} */ ({ low: [214, 104, 16], zero: [246, 245, 242], high: [20, 105, 178], none: [150, 152, 158] }),
  dark: /** @type {Scale} */ ({ low: [242, 147, 62], zero: [34, 38, 46], high: [86, 170, 240], none: [110, 114, 122] }),
};
const CLASSES = {
  light: /** @type {Rgb[]} */ ([
    [214, 104, 16], [20, 105, 178], [0, 140, 102], [190, 92, 150], [180, 145, 0],
    [60, 160, 215], [150, 60, 45], [105, 105, 115], [120, 150, 30], [95, 75, 165],
  ]),
  dark: /** @type {Rgb[]} */ ([
    [242, 147, 62], [86, 170, 240], [38, 190, 145], [226, 138, 190], [240, 212, 72],
    [140, 210, 250], [222, 110, 90], [165, 168, 178], [170, 200, 80], [160, 140, 235],
  ]),
};
const STEPS = 256;
const NONE = STEPS + 1; // the colour of what is no number, after those of the scale

/** @type {"light" | "dark"} */
export let shade = "light";
/** @type {Uint8ClampedArray} */
let table = new Uint8ClampedArray(0);

/** @param {Rgb} from @param {Rgb} to @param {number} share @returns {Rgb} */
export function mix(from, to, share) {
  return /** @type {Rgb} */ (from.map((value, i) => value + (to[i] - value) * share));
}

/** @param {"light" | "dark"} wanted */
export function setShade(wanted) {
  shade = wanted;
  const { low, zero, high, none } = SCALES[shade];
  table = new Uint8ClampedArray(4 * (NONE + 1));
  for (let i = 0; i <= STEPS; i++) {
    const value = (2 * i) / STEPS - 1;
    const strength = Math.abs(value) ** 0.85;
    table.set([...mix(zero, value < 0 ? low : high, strength), 255], 4 * i);
  }
  table.set([...none, 255], 4 * NONE);
}
setShade("light");

/** @param {Rgb} rgb */
export const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

/** The colour of a value in [-1, 1]. @param {number} value */
export function valueColour(value) {
  const i = 4 * (Number.isNaN(value) ? NONE : Math.round(((Math.max(-1, Math.min(1, value)) + 1) / 2) * STEPS));
  return `rgb(${table[i]} ${table[i + 1]} ${table[i + 2]})`;
}

/** The colour of a line or bar that tells a sign. @param {number} value */
export function signColour(value) {
  const { low, high } = SCALES[shade];
  return css(value < 0 ? low : high);
}

/** @param {number} index @returns {Rgb} */
export function classRgb(index) {
  return CLASSES[shade][index % 10];
}
/** @param {number} index */
export const classColour = (index) => css(classRgb(index));

/** @returns {Rgb} */
export const paper = () => SCALES[shade].zero;

/**
 * Paints values onto pixels, ±range at the ends of the scale; what is no number is grey.
 * @param {ArrayLike<number>} values @param {number} start @param {ImageData} image @param {number} range
 */
export function paintValues(values, start, image, range) {
  const pixels = new Uint32Array(image.data.buffer);
  const words = new Uint32Array(table.buffer);
  const factor = STEPS / 2 / range;
  const middle = STEPS / 2 + 0.5;
  for (let i = 0; i < pixels.length; i++) {
    const step = values[start + i] * factor + middle;
    pixels[i] = words[step !== step ? NONE : step < 0 ? 0 : step > STEPS ? STEPS : step | 0];
  }
}

const SHADES = 127;

/** From a class's palest colour to its strongest, one 32-bit pixel each. @param {Rgb} background @param {Rgb} colour */
function ramp(background, colour) {
  const bytes = new Uint8ClampedArray(4 * (SHADES + 1));
  for (let i = 0; i <= SHADES; i++) bytes.set([...mix(background, colour, 0.18 + (0.62 * i) / SHADES), 255], 4 * i);
  return new Uint32Array(bytes.buffer);
}

/** @type {Map<string, Uint32Array[]>} */
const known = new Map();

/** The ramps of so many classes in the shade now chosen, made once. @param {number} classes */
function rampsOf(classes) {
  const mark = `${shade} ${classes}`;
  const ramps = known.get(mark) ?? Array.from({ length: classes }, (_, c) => ramp(paper(), classRgb(c)));
  known.set(mark, ramps);
  return ramps;
}

/**
 * Paints class regions: the likeliest class's colour, paler where the network is less sure, grey where one is no number.
 * @param {ArrayLike<number>} probabilities (C, count) @param {number} classes @param {ImageData} image
 */
export function paintClasses(probabilities, classes, image) {
  const pixels = new Uint32Array(image.data.buffer);
  const count = pixels.length;
  const ramps = rampsOf(classes);
  const none = new Uint32Array(table.buffer)[NONE];
  const least = 1 / classes;
  for (let i = 0; i < count; i++) {
    let best = 0;
    let most = probabilities[i];
    for (let c = 1; c < classes; c++) {
      const share = probabilities[c * count + i];
      if (share > most || share !== share) [best, most] = [c, share];
    }
    const sure = Math.min(1, (most - least) / (1 - least));
    pixels[i] = most !== most ? none : ramps[best][sure > 0 ? (sure * SHADES + 0.5) | 0 : 0];
  }
}
