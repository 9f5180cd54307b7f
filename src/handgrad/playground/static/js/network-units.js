/** The units: a small canvas each with its map over the plane, and what is added to its sum as squares at its corners. */
import { paintClasses, paintValues, valueColour } from "./colours.js";
import { h } from "./dom.js";
import { featureMap, hasFeature, inputWindow, rampMap } from "./features.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./geometry.js").Column} Column */
/** @typedef {{canvas: HTMLCanvasElement, pen: CanvasRenderingContext2D, image: ImageData, map: number, column: Column, unit: number}} Unit */
/** @typedef {{button: HTMLButtonElement, parameter: string, unit: number, mark: string}} Bias */

const SIDE = 32;

/**
 * @param {HTMLElement} box @param {Geometry} shape @param {PlayState} state
 * @param {{pointUnit: (target: Element | null, column: Column, unit: number) => void, openUnit: (target: Element, column: Column, unit: number) => void,
 *          point: (target: Element | null, parameter: string, index: number[]) => void, open: (target: Element, parameter: string, index: number[]) => void}} actions
 */
export function drawUnits(box, shape, state, actions) {
  /** @type {Unit[]} */
  const units = [];
  /** @type {Bias[]} */
  const biases = [];
  box.replaceChildren();
  shape.columns.forEach((column) => {
    for (let u = 0; u < column.units; u++) {
      const { button, unit } = unitButton(column, u, shape, state, actions);
      box.append(button);
      units.push(unit);
      const added = column.layer ? addends(column.layer, state) : [];
      added.forEach((name, corner) => biases.push(biasButton(box, column, u, name, corner, shape, actions)));
    }
  });
  return { units, biases };
}

/** What is added to a unit's sum: its bias, the shift of its norm, or both. @param {LayerState} layer @param {PlayState} state @returns {string[]} */
function addends(layer, state) {
  const candidates = [layer.biases ?? "", `batchnorm${layer.index + 1}.shift`, `layernorm${layer.index + 1}.shift`];
  return candidates.filter((name) => state.parameters.some((one) => one.name === name));
}

/** @param {Column} column @param {number} u @param {Geometry} shape @param {PlayState} state @param {Parameters<typeof drawUnits>[3]} actions */
function unitButton(column, u, shape, state, actions) {
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const images = state.scene.kind === "images";
  const name = column.kind === "input" ? (images ? `${state.inputs.length}` : state.inputs[u]?.label ?? "") : "";
  const id = column.kind === "input" ? `input-${images ? "image" : state.inputs[u]?.name}` : column.kind === "output" ? `output-${u}` : `unit-${column.layer?.index}-${u}`;
  const classes = state.scene.classes;
  const after = column.kind === "output" && column.units > 1 ? classes?.[u] : undefined;
  const words = column.kind === "input" ? ["unit.input", { name: name }] : column.kind === "output" ? ["unit.output", { unit: u, name: classes?.[u] ?? "" }] : ["unit.hidden", { layer: (column.layer?.index ?? 0) + 1, unit: u }];
  const button = h(
    "button",
    { type: "button", class: `unit ${column.kind}${column.kind === "input" && !images && state.inputs.length > 2 && !hasFeature(state.inputs[u]?.name ?? "") ? " bare" : ""}`, "data-testid": id, tLabel: words[0], vars: words[1], style: { left: `${column.x - shape.size / 2}px`, top: `${column.y[u] - shape.size / 2}px`, width: `${shape.size}px`, height: `${shape.size}px` } },
    canvas,
    column.kind === "input" ? h("span", { class: "name", title: name }, h("bdi", {}, name)) : null,
    after === undefined ? null : h("span", { class: "name after", title: after }, after),
  );
  button.addEventListener("pointerenter", () => actions.pointUnit(button, column, u));
  button.addEventListener("pointerleave", () => actions.pointUnit(null, column, u));
  button.addEventListener("focus", () => actions.pointUnit(button, column, u));
  button.addEventListener("blur", () => actions.pointUnit(null, column, u));
  button.addEventListener("click", () => actions.openUnit(button, column, u));
  const image = pen.createImageData(SIDE, SIDE);
  const unit = { canvas, pen, image, map: column.mapStart < 0 ? -1 : column.mapStart + u, column, unit: u };
  if (column.kind === "input") paintInput(unit, state);
  return { button, unit };
}

/** @param {Unit} unit @param {PlayState} state */
export function paintInput(unit, state) {
  const name = state.inputs[unit.unit]?.name ?? "";
  const plain = state.scene.kind === "plane" ? featureMap(name, inputWindow(state.scene), SIDE) : null;
  if (state.scene.kind === "images") return paintGlyph(unit);
  const values = plain ?? rampMap(SIDE, unit.unit === 1);
  let range = 1e-6;
  for (const value of values) range = Math.max(range, Math.abs(value));
  paintValues(values, 0, unit.image, range);
  unit.pen.putImageData(unit.image, 0, 0);
}

const THREE = ["00111100", "01000010", "00000010", "00011100", "00000010", "00000010", "01000010", "00111100"];

/** Stands for a picture that comes in: a digit of eight by eight. @param {Unit} unit */
function paintGlyph(unit) {
  resize(unit, 8, 8);
  const values = Float32Array.from(THREE.join(""), Number);
  paintValues(values, 0, unit.image, 1);
  unit.pen.putImageData(unit.image, 0, 0);
}

/** @param {HTMLElement} box @param {Column} column @param {number} u @param {string} parameter @param {number} corner the left one or the right one @param {Geometry} shape @param {Parameters<typeof drawUnits>[3]} actions */
function biasButton(box, column, u, parameter, corner, shape, actions) {
  const index = [0, u];
  const kind = corner ? "shift" : "bias";
  const side = Math.round(Math.max(8, Math.min(13, shape.size * 0.36)));
  const layer = column.kind === "output" ? "output" : column.layer?.index;
  const button = h("button", { type: "button", class: "bias", tabindex: u ? -1 : 0, "aria-label": `${parameter} [${u}]`, "data-testid": `${kind}-${layer}-${u}`, style: { left: `${column.x - side / 2 + (corner ? 1 : -1) * (shape.size / 2 + 1)}px`, top: `${column.y[u] + (shape.size - side) / 2}px`, width: `${side}px`, height: `${side}px` } });
  button.addEventListener("pointerenter", () => actions.point(button, parameter, index));
  button.addEventListener("pointerleave", () => actions.point(null, parameter, index));
  button.addEventListener("focus", () => actions.point(button, parameter, index));
  button.addEventListener("blur", () => actions.point(null, parameter, index));
  button.addEventListener("click", () => actions.open(button, parameter, index));
  button.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = move && box.querySelector(`[data-testid="${kind}-${layer}-${u + move}"]`);
    if (next instanceof HTMLElement) {
      event.preventDefault();
      button.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  });
  box.append(button);
  return { button, parameter, unit: u, mark: "" };
}

/**
 * The range of colours of one map: at least one, so that a vanishing signal looks pale.
 * @param {ArrayLike<number>} values @param {number} start @param {number} count
 */
export function mapRange(values, start, count) {
  let low = -1;
  let high = 1;
  for (let i = start; i < start + count; i++) {
    const value = values[i];
    if (value > high && value < Infinity) high = value;
    else if (value < low && value > -Infinity) low = value;
  }
  return Math.max(high, -low);
}

/** @param {Unit} unit @param {FrameArray} maps */
export function paintMap(unit, maps) {
  const [, rows, columns] = maps.shape;
  const start = unit.map * rows * columns;
  if (start + rows * columns > maps.values.length) return;
  resize(unit, columns, rows);
  paintValues(maps.values, start, unit.image, mapRange(maps.values, start, rows * columns));
  unit.pen.putImageData(unit.image, 0, 0);
}

/** The first layer's weights as a picture of the inputs. @param {Unit} unit @param {ArrayLike<number>} weights @param {number} fanOut @param {[number, number]} shape */
export function paintFilter(unit, weights, fanOut, [rows, columns]) {
  resize(unit, columns, rows);
  const values = new Float32Array(rows * columns);
  let range = 1e-9;
  for (let i = 0; i < values.length; i++) {
    values[i] = weights[i * fanOut + unit.unit];
    range = Math.max(range, Math.abs(values[i]));
  }
  paintValues(values, 0, unit.image, range);
  unit.pen.putImageData(unit.image, 0, 0);
}

/** @param {Unit} unit @param {FrameArray} output @param {Scene} scene */
export function paintOutput(unit, output, scene) {
  const [classes, rows, columns] = output.shape;
  const count = rows * columns;
  resize(unit, columns, rows);
  if (scene.classes && classes > 1) {
    const only = scratch(count);
    for (let i = 0; i < count; i++) only[i] = output.values[unit.unit * count + i] - 0.5;
    paintValues(only, 0, unit.image, 0.5);
  } else if (scene.classes) {
    const both = new Float32Array(2 * count);
    for (let i = 0; i < count; i++) both[count + i] = 1 - (both[i] = 1 - output.values[i]);
    paintClasses(both, 2, unit.image);
  } else {
    const start = unit.unit * count;
    paintValues(output.values, start, unit.image, mapRange(output.values, start, count));
  }
  unit.pen.putImageData(unit.image, 0, 0);
}

let room = new Float32Array(0);

/** Room for so many numbers until the next call. @param {number} count */
function scratch(count) {
  if (room.length < count) room = new Float32Array(count);
  return room;
}

/** @param {Unit} unit @param {number} columns @param {number} rows */
function resize(unit, columns, rows) {
  if (unit.image.width === columns && unit.image.height === rows) return;
  unit.canvas.width = columns;
  unit.canvas.height = rows;
  unit.image = unit.pen.createImageData(columns, rows);
}

/** @param {Bias} bias @param {number} value */
export function paintBias(bias, value) {
  const colour = valueColour(value);
  if (colour !== bias.mark) bias.button.style.backgroundColor = bias.mark = colour;
}
