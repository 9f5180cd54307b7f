/** The network's card: lines beneath, units above, heads on top; drawn anew on a new state, repainted on each frame. */
import { h, keepFocus, s } from "./dom.js";
import { editNumber, openUnit, subscript, tip, valueAt } from "./editor.js";
import { figure } from "./figures.js";
import { geometry } from "./geometry.js";
import { drawHeads } from "./network-heads.js";
import { drawLinks, paintLinks } from "./network-links.js";
import { drawUnits, paintBias, paintFilter, paintInput, paintMap, paintOutput } from "./network-units.js";

/** @typedef {import("./geometry.js").Column} Column */
/**
 * What the plane shows instead of the output.
 * @typedef {{kind: "map", map: number} | {kind: "input", name: string} | {kind: "output", unit: number} | null} Looking
 */

/** @param {import("./store.js").Store} store @param {(looking: Looking) => void} look */
export function network(store, look) {
  const svg = s("svg", { class: "links" });
  const unitBox = h("div", { class: "units-layer" });
  const headBox = h("div", { class: "heads-layer" });
  const board = h("div", { class: "board" }, svg, headBox, unitBox);
  const scroll = h("div", { class: "board-scroll", tabindex: 0, role: "group", tLabel: "network.title" }, board);
  const note = h("p", { class: "hint", t: "network.hint" });
  const wider = h("p", { class: "hint wider", t: "network.wider", hidden: true });
  const header = h("header", {}, h("h2", { t: "network.title" }), note);
  const card = h("section", { class: "card network", "data-testid": "network", id: "network", tabindex: "-1" }, header, scroll, wider);
  const bubble = tip(store);
  /** @type {import("./network-links.js").Bundle[]} */
  let bundles = [];
  /** @type {import("./network-units.js").Unit[]} */
  let units = [];
  /** @type {import("./network-units.js").Bias[]} */
  let biases = [];
  let drawn = "";

  const actions = {
    /** @param {Element | null} target @param {string} parameter @param {number[]} index */
    point(target, parameter, index) {
      bubble.show(target, () => `${parameter} [${index.join(", ")}] = ${figure(valueAt(store, parameter, index), 4)}`);
    },
    /** @param {Element} target @param {string} parameter @param {number[]} index */
    open: (target, parameter, index) => editNumber(store, target, parameter, index),
    /** @param {Element | null} target @param {Column} column @param {number} unit */
    pointUnit(target, column, unit) {
      if (!target) return look(null);
      if (column.kind === "input") look({ kind: "input", name: store.state?.inputs[unit]?.name ?? "" });
      else if (column.kind === "output") look({ kind: "output", unit });
      else look({ kind: "map", map: column.mapStart + unit });
    },
    /** @param {Element} target @param {Column} column @param {number} unit */
    openUnit(target, column, unit) {
      const layer = column.layer;
      if (!layer) return;
      const before = layer.from === "inputs" ? store.state?.inputs.map((input) => input.label) : null;
      const count = store.state?.layers.find((one) => one.name === layer.from)?.units ?? 0;
      openUnit(store, target, layer, unit, before ?? Array.from({ length: count }, (_, i) => `a${subscript(i)}`));
    },
  };

  /** @param {PlayState} state */
  const draw = (state) => {
    const tall = innerWidth < 700 ? 380 : 470;
    const shape = geometry(state, scroll.clientWidth || 600, tall);
    const { layers, inputs, parameters, scene, document, loss } = state;
    const mark = JSON.stringify([shape, layers, inputs, parameters, scene.window, scene.kind, document.frozen, document.network, loss]);
    if (mark === drawn) return;
    drawn = mark;
    wider.hidden = shape.width <= scroll.clientWidth;
    board.style.width = `${shape.width}px`;
    board.style.height = `${shape.height}px`;
    svg.setAttribute("viewBox", `0 0 ${shape.width} ${shape.height}`);
    svg.setAttribute("width", String(shape.width));
    svg.setAttribute("height", String(shape.height));
    keepFocus(card, () => {
      bundles = drawLinks(svg, shape, state, actions);
      drawHeads(store, headBox, shape, state);
      ({ units, biases } = drawUnits(unitBox, shape, state, actions));
    });
    if (store.frame) paint(store.frame);
  };

  /** @param {Frame} frame */
  const paint = (frame) => {
    const state = store.state;
    if (!state) return;
    for (const bundle of bundles) {
      const found = store.parameter(bundle.name);
      if (found) paintLinks(bundle, found.values);
    }
    for (const bias of biases) {
      const found = store.parameter(bias.parameter);
      if (found) paintBias(bias, found.values[bias.unit]);
    }
    const { maps, output } = frame.arrays;
    const first = state.layers[0]?.weights ?? "";
    const filters = state.scene.image && store.parameter(first);
    for (const unit of units) {
      const { kind, layer } = unit.column;
      const { image } = state.scene;
      if (kind === "output") output && unit.unit < output.shape[0] && paintOutput(unit, output, state.scene);
      else if (unit.map < 0) continue;
      else if (filters && image && layer?.index === 0) paintFilter(unit, filters.values, filters.shape[1], image);
      else if (maps) paintMap(unit, maps);
    }
  };

  const redraw = () => {
    drawn = "";
    if (store.state) draw(store.state);
  };
  store.on("state", draw);
  store.on("frame", paint);
  store.on("language", redraw);
  store.on("error", ({ doing }) => doing === "change" && redraw()); // what was refused stands in a head no longer
  store.on("theme", () => {
    redraw();
    for (const unit of units) if (unit.column.kind === "input" && store.state) paintInput(unit, store.state);
  });
  let width = 0;
  new ResizeObserver(() => {
    if (scroll.clientWidth !== width) {
      width = scroll.clientWidth;
      if (store.state) draw(store.state);
    }
  }).observe(scroll);
  return card;
}
