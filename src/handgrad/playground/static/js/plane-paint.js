/** Painting the plane: regions or values beneath, points, axes and a regression's curve on top. */
import { classColour, css, mix, paintClasses, paintValues, paper, shade, signColour, valueColour } from "./colours.js";
import { featureMap, inputWindow } from "./features.js";
import { tickText, ticks } from "./figures.js";
import { mapRange } from "./network-units.js";
import { inUnits, valueScale } from "./plane-view.js";

/** @typedef {import("./plane-view.js").View} View */
/** @typedef {import("./network.js").Looking} Looking */

/** @param {HTMLCanvasElement} canvas @param {Frame} frame @param {Scene} scene @param {Looking} looking */
export function paintField(canvas, frame, scene, looking) {
  const { output, maps } = frame.arrays;
  if (!output) return;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let [count, rows, columns] = output.shape;
  const ready = (/** @type {number} */ wide, /** @type {number} */ tall) => {
    if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height] = [wide, tall];
    return pen.createImageData(wide, tall);
  };
  const size = rows * columns;
  let image = ready(columns, rows);
  if (looking?.kind === "map" && maps && looking.map < maps.shape[0]) {
    [, rows, columns] = maps.shape;
    const start = looking.map * rows * columns;
    image = ready(columns, rows);
    paintValues(maps.values, start, image, mapRange(maps.values, start, rows * columns));
  } else if (looking?.kind === "input" && scene.kind === "plane") {
    const values = featureMap(looking.name, inputWindow(scene), rows) ?? new Float32Array(size);
    paintValues(values, 0, image, mapRange(values, 0, size));
  } else if (scene.classes && (count === 1 || scene.classes.length === 2)) {
    const balance = new Float32Array(size);
    for (let i = 0; i < size; i++) balance[i] = count === 1 ? 2 * output.values[i] - 1 : output.values[size + i] - output.values[i];
    paintValues(balance, 0, image, 1.25);
  } else if (scene.classes) {
    paintClasses(output.values, count, image);
  } else if (scene.kind === "curve") {
    paintValues(new Float32Array(size), 0, image, 1);
  } else {
    const { middle, half } = valueScale(scene);
    const shifted = new Float32Array(size);
    for (let i = 0; i < size; i++) shifted[i] = inUnits(scene, output.values[i]) - middle;
    paintValues(shifted, 0, image, half);
  }
  pen.putImageData(image, 0, 0);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {View} view @param {Scene} scene
 * @param {{showTest: boolean, selected: {row: number, part: string} | null, drawn: {x: number, y: number, label: number}[] | null, cursor: {x: number, y: number} | null, output: FrameArray | null}} marks
 */
export function paintOverlay(pen, view, scene, marks) {
  const canvas = pen.canvas;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  axes(pen, view, scene);
  pen.save();
  pen.beginPath();
  pen.rect(view.left, view.top, view.width, view.height);
  pen.clip();
  if (scene.kind === "curve" && marks.output) curve(pen, view, scene, marks.output);
  const many = scene.train.points.length + scene.test.points.length;
  const radius = many > 1200 ? 2.1 : many > 500 ? 2.6 : 3.4;
  if (marks.drawn) {
    for (const { x, y, label } of marks.drawn) dot(pen, view.toX(x), view.toY(y), radius, classColour(label), false);
  } else {
    if (marks.showTest) scene.test.points.forEach(([x, y], i) => dot(pen, view.toX(x), view.toY(y), radius, pointColour(scene, scene.test.y[i]), true));
    scene.train.points.forEach(([x, y], i) => dot(pen, view.toX(x), view.toY(y), radius, pointColour(scene, scene.train.y[i]), false));
  }
  const chosen = marks.selected && scene[marks.selected.part === "test" ? "test" : "train"].points[marks.selected.row];
  if (chosen) ring(pen, view.toX(chosen[0]), view.toY(chosen[1]), radius + 5);
  if (marks.cursor) cross(pen, view.toX(marks.cursor.x), view.toY(marks.cursor.y));
  pen.restore();
}

const ink = () => (shade === "dark" ? "#e8e9ec" : "#1c2230");

/** @param {Scene} scene @param {number} target */
export function pointColour(scene, target) {
  if (scene.classes) return classColour(target);
  if (scene.kind === "curve") return signColour(1);
  const { middle, half } = valueScale(scene);
  return valueColour((target - middle) / half);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius @param {string} colour @param {boolean} hollow */
function dot(pen, x, y, radius, colour, hollow) {
  const edge = shade === "dark" ? "rgb(12 14 18 / 0.85)" : "rgb(255 255 255 / 0.95)";
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  if (hollow) {
    pen.fillStyle = edge;
    pen.fill();
    pen.lineWidth = 1.8;
    pen.strokeStyle = colour;
    pen.stroke();
    return;
  }
  pen.fillStyle = colour;
  pen.fill();
  pen.lineWidth = 1;
  pen.strokeStyle = edge;
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius */
function ring(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.lineWidth = 2.2;
  pen.strokeStyle = ink();
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y */
function cross(pen, x, y) {
  pen.beginPath();
  pen.moveTo(x - 9, y);
  pen.lineTo(x + 9, y);
  pen.moveTo(x, y - 9);
  pen.lineTo(x, y + 9);
  pen.lineWidth = 1.5;
  pen.strokeStyle = ink();
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {View} view @param {Scene} scene @param {FrameArray} output */
function curve(pen, view, scene, output) {
  const columns = output.shape[2];
  const [x0, x1] = view.window;
  pen.beginPath();
  for (let i = 0; i < columns; i++) {
    const x = view.toX(x0 + ((x1 - x0) * (i + 0.5)) / columns); // the middles of the pixels
    const y = view.toY(inUnits(scene, output.values[i]));
    if (i) pen.lineTo(x, y);
    else pen.moveTo(x, y);
  }
  pen.lineWidth = 3;
  pen.lineJoin = "round";
  pen.strokeStyle = signColour(-1);
  pen.stroke();
}

/** "x1" as x₁. @param {string} name */
export const axisText = (name) => name.replace(/^x([12])$/, (_, digit) => (digit === "1" ? "x₁" : "x₂"));

/** @param {CanvasRenderingContext2D} pen @param {View} view @param {Scene} scene */
function axes(pen, view, scene) {
  const [x0, x1, y0, y1] = view.window;
  const soft = css(mix(paper(), shade === "dark" ? [255, 255, 255] : [20, 24, 34], 0.66));
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = soft;
  pen.strokeStyle = soft;
  pen.lineWidth = 1;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  const foot = view.top + view.height;
  pen.beginPath();
  for (const mark of ticks(x0, x1, 5)) {
    const x = Math.round(view.toX(mark)) + 0.5;
    pen.moveTo(x, foot);
    pen.lineTo(x, foot + 4);
    pen.fillText(tickText(mark), x, foot + 6);
  }
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const mark of ticks(y0, y1, 5)) {
    const y = Math.round(view.toY(mark)) + 0.5;
    pen.moveTo(view.left - 4, y);
    pen.lineTo(view.left, y);
    pen.fillText(tickText(mark), view.left - 7, y);
  }
  pen.stroke();
  pen.font = "600 11px system-ui, sans-serif";
  pen.textBaseline = "top";
  pen.fillText(axisText(scene.axes[0]), view.left + view.width, foot + 21);
  pen.textAlign = "left";
  pen.fillText(axisText(scene.axes[1]), 8, 2);
}
