/** Where everything of the network's drawing stands: columns, units, and which layers are folded away. */

const HEAD = 122; // above the units, with one row of marks
const MARKS = 18; // another row
const NARROW = 480; // a telephone's board
const FEW = 4; // units that there is always room for
const MOST_INPUTS = 16;

/**
 * @typedef {object} Column
 * @property {"input" | "layer" | "fold" | "output"} kind
 * @property {number} x the centre
 * @property {number} units how many are drawn
 * @property {number} total how many there are
 * @property {LayerState | null} layer
 * @property {number} mapStart the first map's place among all maps; -1 without maps
 * @property {number[]} y the centres of its units
 * @property {number} [folded] how many layers stand behind a fold
 */
/** @typedef {{columns: Column[], width: number, height: number, size: number}} Geometry */

/**
 * @param {PlayState} state @param {number} width of the card's inside @param {number} tall the drawing's least height
 * @returns {Geometry}
 */
export function geometry(state, width, tall) {
  const hidden = state.layers.filter((layer) => layer.role === "hidden");
  const output = state.layers.find((layer) => layer.role === "output") ?? null;
  const image = state.scene.kind === "images";
  /** @type {Column[]} */
  const columns = [{ kind: "input", x: 0, units: image ? 1 : Math.min(MOST_INPUTS, state.inputs.length), total: state.inputs.length, layer: null, mapStart: -1, y: [] }];
  let mapStart = 0;
  const away = hidden.filter((layer) => !layer.shown).length;
  hidden.forEach((layer) => {
    if (layer.shown) columns.push({ kind: "layer", x: 0, units: Math.min(layer.units, layer.shown), total: layer.units, layer, mapStart, y: [] });
    mapStart += layer.shown;
  });
  if (away) columns.push({ kind: "fold", x: 0, units: 0, total: 0, layer: null, mapStart: -1, y: [], folded: away });
  if (output) columns.push({ kind: "output", x: 0, units: Math.min(10, output.units), total: output.units, layer: output, mapStart: -1, y: [] });

  const most = Math.max(...columns.map((column) => column.units), 1);
  const narrow = width < NARROW;
  const head = HEAD + MARKS * (rowsOfMarks(state, narrow) - 1);
  const pitch = Math.max(26, Math.min(70, Math.floor((tall - head - 20) / most)));
  const size = Math.round(Math.min(52, pitch - Math.max(4, pitch * 0.24)));
  const edge = narrow ? 44 : 58;
  const left = image || state.inputs.every(({ label }) => label.length < 4) ? edge : edge + 30;
  const right = output && output.units > 1 && state.scene.classes?.some((name) => name.length > 2) ? edge + 36 : edge;
  const total = Math.max(width, left + right + (columns.length - 1) * (narrow ? 86 : 104));
  const height = head + Math.max(FEW, most) * pitch + 20;
  const step = columns.length > 1 ? (total - left - right) / (columns.length - 1) : 0;
  const middle = head + (height - head - 20) / 2;
  columns.forEach((column, i) => {
    column.x = left + i * step;
    column.y = Array.from({ length: column.units }, (_, u) => middle + (u - (column.units - 1) / 2) * pitch);
  });
  return { columns, width: total, height, size };
}

/** How many rows the marks of a layer's norm, dropout and skip connection take. @param {PlayState} state @param {boolean} narrow */
function rowsOfMarks(state, narrow) {
  const { norm, dropout, residual } = state.document.network;
  const marks = [norm, dropout, residual].filter(Boolean).length;
  return Math.max(1, narrow ? marks : norm && dropout ? 2 : 1);
}
