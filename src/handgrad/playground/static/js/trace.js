/** One example followed forward and back, step by step: formula, shapes, numbers, and each entry written out. */
import { paintValues } from "./colours.js";
import { h, keepFocus, setText, word } from "./dom.js";
import { iconButton } from "./fields.js";
import { matrix, shapeText } from "./matrix.js";
import { t, tOr } from "./words.js";

/**
 * @typedef {object} TraceTerm
 * @property {string} name @property {string} of @property {boolean} gradient @property {number[]} shape @property {any} value
 */
/**
 * @typedef {object} TraceProduct
 * @property {string} name @property {number[]} entry @property {string} symbols @property {string} numbers @property {number | null} value
 * @property {string} when @property {number} left_out @property {string} text
 */
/**
 * @typedef {object} TraceStep
 * @property {string} layer @property {"forward" | "loss" | "backward"} direction @property {string} title @property {string} symbol
 * @property {string} formula @property {string} of @property {boolean} gradient @property {number[]} shape @property {any} value
 * @property {TraceTerm[]} terms @property {TraceProduct[]} products @property {number} products_left_out @property {string} note
 */

/** @param {import("./store.js").Store} store @param {() => boolean} visible */
export function tracePanel(store, visible) {
  const row = h("input", { type: "number", min: 0, value: "0", tLabel: "trace.row", "data-testid": "trace-row" });
  const part = h("select", { tLabel: "trace.part", "data-testid": "trace-part" }, h("option", { value: "train", t: "trace.train" }), h("option", { value: "test", t: "trace.test" }));
  const again = h("button", { type: "button", class: "primary", t: "trace.go", "data-testid": "trace-go" });
  const state = h("p", { class: "hint" });
  const outline = h("ol", { class: "outline", tLabel: "trace.steps" });
  const picture = h("canvas", { class: "digit", width: 8, height: 8, role: "img", hidden: true, tLabel: "trace.picture", "data-testid": "trace-picture" });
  const stage = h("div", { class: "stage" });
  const counter = h("span", { class: "figure", role: "status" });
  const back = iconButton("previous", "trace.previous", () => go(now - 1), { "data-testid": "trace-previous" });
  const forth = iconButton("next", "trace.next", () => go(now + 1), { "data-testid": "trace-next" });
  const body = h("div", { class: "trace-body", hidden: true }, outline, h("div", { class: "trace-main" }, h("div", { class: "actions stepping" }, back, counter, forth), stage));
  const panel = h("div", { "data-testid": "trace-panel" }, h("p", { class: "hint", t: "trace.intro" }), h("div", { class: "actions" }, part, row, again, picture, state), body);
  /** @type {TraceStep[]} */
  let steps = [];
  let now = 0;
  let at = { epoch: 0, batch: 0 }; // what was asked for
  let missing = false; // what was traced has gone, and its panel is open

  const ask = () => {
    at = store.frame?.header ?? at;
    const rows = store.state?.scene.rows[part.value === "test" ? "test" : "train"] ?? 1;
    row.max = String(Math.max(0, rows - 1));
    row.value = String(Math.max(0, Math.min(rows - 1, Math.round(Number(row.value) || 0))));
    store.do("trace", { row: Number(row.value), part: part.value });
  };
  again.addEventListener("click", ask);
  row.addEventListener("change", ask);
  part.addEventListener("change", ask);
  row.addEventListener("keydown", (event) => event.key === "Enter" && ask());

  /** @param {number} to @param {number[] | null} [entry] */
  const go = (to, entry = null) => {
    now = Math.max(0, Math.min(steps.length - 1, to));
    const step = steps[now];
    if (!step) return;
    back.disabled = now === 0;
    forth.disabled = now === steps.length - 1;
    word(counter, "t", "trace.counter", { step: now + 1, steps: steps.length });
    [...outline.querySelectorAll("button")].forEach((button, i) => {
      button.setAttribute("aria-current", i === now ? "step" : "false");
      if (i === now) outline.scrollTop = button.offsetTop - outline.clientHeight / 2;
    });
    stage.replaceChildren(...show(step, entry));
  };
  store.on("opening", () => {
    missing = visible() && steps.length > 0;
    steps = [];
    now = 0;
    row.value = "0";
    part.value = "train";
    body.hidden = picture.hidden = true;
    outline.replaceChildren();
    stage.replaceChildren();
    for (const kind of ["t", "tVars"]) delete state.dataset[kind];
    setText(state, "");
  });
  store.on("trace", (message) => {
    missing = false;
    steps = message.trace.steps ?? [];
    body.hidden = !steps.length;
    if (document.activeElement !== row) row.value = String(message.row); // it may be being typed
    part.value = message.part;
    outline.replaceChildren(
      ...steps.map((step, i) => h("li", { class: step.direction }, h("button", { type: "button", onclick: () => go(i) }, h("span", {}, step.layer), h("span", { class: "math" }, step.formula)))),
    );
    word(state, "t", "trace.at", { epoch: message.epoch, loss: Number(message.trace.loss).toPrecision(4) });
    showPicture(picture, message.raw, store.state?.scene.image ?? null);
    const wish = store.wish;
    const wished = wish ? steps.findIndex((step) => step.layer === wish.layer && step.direction === "forward") : -1;
    go(wished >= 0 ? wished : Math.min(now, steps.length - 1), wish ? [0, wish.unit] : null);
    store.wish = null;
  });
  store.on("selection", (/** @type {{row: number, part: string}} */ chosen) => {
    row.value = String(chosen.row);
    part.value = chosen.part;
  });
  store.on("state", () => {
    if (visible() && !store.frame?.header.running && (steps.length || missing)) ask();
    else if (steps.length) word(state, "t", "trace.stale");
  });
  store.on("frame", (/** @type {Frame} */ { header }) => {
    const moved = header.epoch !== at.epoch || header.batch !== at.batch || header.legs;
    if (steps.length && moved && !header.running && visible()) ask();
  });
  store.on("language", () => go(now));
  const opened = () => {
    if (!steps.length) ask();
  };
  return { panel, opened, ask };
}

/** The row as the picture that it is. @param {HTMLCanvasElement} canvas @param {number[] | undefined} raw @param {[number, number] | null} shape */
function showPicture(canvas, raw, shape) {
  canvas.hidden = !raw || !shape || raw.length !== shape[0] * shape[1];
  if (!raw || !shape || canvas.hidden) return;
  [canvas.height, canvas.width] = shape;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = pen.createImageData(shape[1], shape[0]);
  paintValues(raw, 0, image, Math.max(1e-9, ...raw));
  pen.putImageData(image, 0, 0);
}

/** @param {TraceStep} step @param {number[] | null} entry the one to open */
function show(step, entry) {
  let chosen = step.products.find((one) => one.entry.join() === entry?.join()) ?? step.products[0] ?? null;
  const written = h("div", { class: "written", "aria-live": "polite", "data-testid": "trace-written" });
  const result = h("div", { class: "operand result" });
  const write = () => {
    const opener = (/** @type {number[]} */ place) => {
      const product = step.products.find((one) => one.entry.join() === place.join());
      return product ? () => ((chosen = product), write()) : null;
    };
    const drawn = matrix(step.value, { entry: opener, chosen: chosen?.entry.join(), label: step.of });
    const head = h("span", { class: "math" }, `${step.symbol} =`, h("small", {}, ` ${shapeText(step.shape)}`));
    keepFocus(result, () => result.replaceChildren(head, drawn));
    written.replaceChildren(...(chosen ? lines(chosen) : []));
  };
  write();
  const terms = step.terms.map((term) =>
    h("div", { class: "operand" }, h("span", { class: "math" }, term.name, h("small", {}, ` ${shapeText(term.shape)} ${term.gradient ? t("trace.by", { of: term.of }) : term.of}`)), matrix(term.value, { label: term.of })),
  );
  return [
    h("header", {}, h("span", { class: `direction ${step.direction}`, t: `trace.${step.direction}` }), h("b", {}, step.layer), h("span", { class: "hint" }, tOr(`trace.title.${step.title}`, step.title))),
    h("p", { class: "formula math" }, step.formula),
    h("div", { class: "operands" }, ...terms), result,
    written,
    step.products_left_out ? h("p", { class: "hint", t: "trace.left", vars: { n: step.products_left_out } }) : null,
    step.note ? h("p", { class: "hint" }, step.note) : null,
  ].filter((one) => one !== null);
}

/** @param {TraceProduct} product */
function lines(product) {
  const [, ...rest] = product.text.split(" = ");
  return [h("p", { class: "code" }, h("b", {}, product.name)), ...rest.map((part) => h("p", { class: "code indent" }, `= ${part}`))];
}
