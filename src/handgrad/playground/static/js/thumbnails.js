/** Small pictures of the ready-made data sets, drawn from their shapes. */
import { classColour, css, paper, signColour, valueColour } from "./colours.js";

/** @typedef {{x: number, y: number, colour: string}} Dot in [-1, 1] */

/** A small generator of even numbers, always the same. @param {number} seed */
function even(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

/** @type {Record<string, (random: () => number) => Dot[]>} */
const SHAPES = {
  moons: (random) => many(70, (i) => {
    const upper = i % 2;
    const angle = Math.PI * random();
    return at(upper ? Math.cos(angle) * 0.55 - 0.22 : 0.22 - Math.cos(angle) * 0.55, upper ? 0.55 * Math.sin(angle) - 0.12 : 0.12 - 0.55 * Math.sin(angle), upper ? 0 : 1, random, 0.07);
  }),
  circles: (random) => many(80, (i) => {
    const angle = 2 * Math.PI * random();
    const radius = i % 2 ? 0.35 : 0.8;
    return at(radius * Math.cos(angle), radius * Math.sin(angle), i % 2, random, 0.05);
  }),
  xor: (random) => many(80, () => {
    const x = 1.7 * random() - 0.85;
    const y = 1.7 * random() - 0.85;
    return at(x, y, x * y > 0 ? 1 : 0, random, 0.03);
  }),
  spirals: (random) => many(90, (i) => {
    const share = random();
    const angle = 2.2 * Math.PI * share + (i % 2) * Math.PI;
    return at(0.9 * share * Math.cos(angle), 0.9 * share * Math.sin(angle), i % 2, random, 0.02);
  }),
  gaussians: (random) => many(75, (i) => {
    const angle = (2 * Math.PI * (i % 3)) / 3 + 0.5;
    return at(0.5 * Math.cos(angle), 0.5 * Math.sin(angle), i % 3, random, 0.24);
  }),
  regression_plane: (random) => many(110, () => {
    const x = 1.8 * random() - 0.9;
    const y = 1.8 * random() - 0.9;
    return { x, y, colour: valueColour((x + y) * 0.75) };
  }),
  regression_curve: (random) => many(46, (i) => {
    const x = (1.8 * i) / 45 - 0.9;
    return { x, y: 0.6 * Math.sin(3.4 * x) + 0.16 * (random() - 0.5), colour: signColour(1) };
  }),
};

/** @param {number} count @param {(i: number) => Dot} make */
const many = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/** @param {number} x @param {number} y @param {number} label @param {() => number} random @param {number} noise @returns {Dot} */
function at(x, y, label, random, noise) {
  const spread = () => noise * (random() + random() + random() - 1.5) * 1.6;
  return { x: x + spread(), y: y + spread(), colour: classColour(label) };
}

/** @param {string} name */
export const hasThumbnail = (name) => name in SHAPES;

/** @param {HTMLCanvasElement} canvas @param {string} name */
export function drawThumbnail(canvas, name) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const { width, height } = canvas;
  pen.fillStyle = css(paper());
  pen.fillRect(0, 0, width, height);
  for (const { x, y, colour } of SHAPES[name](even(7))) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc((width * (x * 0.92 + 1)) / 2, (height * (1 - y * 0.92)) / 2, width / 34, 0, 2 * Math.PI);
    pen.fill();
  }
}
