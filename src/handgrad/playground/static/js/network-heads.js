/** Above each column of the network: its name, units - and +, activation, freezing, adding and removing. */
import { h, word } from "./dom.js";
import { iconButton } from "./fields.js";
import { activations, ruleName, setActivations, spaced } from "./rules.js";
import { activationEditor, formulaEditor } from "./formula.js";
import { t } from "./words.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./geometry.js").Column} Column */

/** @param {Store} store @param {HTMLElement} box @param {Geometry} shape @param {PlayState} state */
export function drawHeads(store, box, shape, state) {
  box.replaceChildren();
  shape.columns.forEach((column, i) => {
    const before = shape.columns[i - 1];
    if (before) box.append(addButton(store, before, column));
    box.append(head(store, column, state));
    const hidden = column.total - column.units;
    if (column.units && hidden > 0 && !(column.kind === "input" && state.scene.image)) {
      const place = { left: `${column.x}px`, top: `${(column.y.at(-1) ?? 0) + shape.size / 2 + 8}px` };
      box.append(h("div", { class: "more", t: "network.more", vars: { shown: column.units, total: column.total }, style: place }));
    }
  });
}

/** @param {Store} store @param {Column} before @param {Column} after */
function addButton(store, before, after) {
  const last = after.kind === "output";
  const place = last ? null : after.layer?.index ?? (before.layer?.index ?? -1) + 1;
  const add = () =>
    store.change((document) => {
      const sizes = document.network.hidden_sizes;
      const rules = activations(document);
      const at = place ?? sizes.length;
      const like = Math.max(0, Math.min(at, sizes.length) - 1);
      const { activation } = document.network;
      const rule = rules[like] ?? (Array.isArray(activation) ? activation[0] ?? "tanh" : activation);
      sizes.splice(at, 0, sizes[like] ?? 4);
      rules.splice(at, 0, rule);
      document.frozen = document.frozen.map((name) => shifted(name, at, 1));
      setActivations(document, rules);
    });
  return iconButton("plus", "network.layer.add", add, {
    class: "add-layer",
    size: 14,
    "data-testid": last ? "add-layer" : `add-layer-${place}`,
    "data-hide": "layers",
    style: { left: `${(before.x + after.x) / 2 - 11}px` },
  });
}

/** A frozen layer keeps its freeze when its number shifts. @param {string} name @param {number} at @param {number} by */
function shifted(name, at, by) {
  const match = /^(dense)(\d+)(.*)$/.exec(name);
  return match && Number(match[2]) > at ? `${match[1]}${Number(match[2]) + by}${match[3]}` : name;
}

/** @param {Store} store @param {Column} column @param {PlayState} state */
function head(store, column, state) {
  const place = { left: `${column.x}px` };
  if (column.kind === "fold") {
    return h("div", { class: "head fold", style: place }, h("span", { class: "title", t: "network.folded", vars: { n: column.folded } }));
  }
  if (column.kind === "input") {
    const image = state.scene.image;
    const size = h("span", { class: "sub" }, image ? `${image[0]} × ${image[1]}` : String(column.total));
    return h("div", { class: "head", style: place }, h("span", { class: "title", t: "network.inputs" }), size);
  }
  const layer = column.layer;
  if (!layer) return h("div");
  if (column.kind === "output") {
    const title = h("span", { class: "title row" }, h("span", { t: "network.output" }), lock(store, layer));
    const loss = h("span", { class: "sub" }, spaced(state.loss.split("(")[0]));
    return h("div", { class: "head", "data-testid": "layer-output", style: place }, title, loss);
  }
  return hiddenHead(store, layer, place, state);
}

/** @param {Store} store @param {LayerState} layer */
function lock(store, layer) {
  const frozen = store.document?.frozen.some((name) => name === layer.name || name === layer.weights) ?? false;
  const toggle = () =>
    store.change((document) => {
      const names = [layer.name, layer.weights, layer.biases];
      document.frozen = document.frozen.filter((name) => !names.includes(name));
      if (!frozen) document.frozen.push(layer.name);
    });
  return iconButton(frozen ? "lock" : "unlock", frozen ? "network.unfreeze" : "network.freeze", toggle, {
    class: frozen ? "mini locked" : "mini",
    size: 14,
    "aria-pressed": String(frozen),
    "data-testid": layer.role === "output" ? "freeze-output" : `freeze-${layer.index}`,
    "data-hide": "freeze",
  });
}

/** @param {Store} store @param {LayerState} layer @param {Record<string, string>} place @param {PlayState} state */
function hiddenHead(store, layer, place, state) {
  const i = layer.index;
  const resize = (/** @type {number} */ by) =>
    store.change(({ network }) => (network.hidden_sizes[i] = Math.max(1, network.hidden_sizes[i] + by)));
  const remove = () =>
    store.change((document) => {
      const rules = activations(document);
      document.network.hidden_sizes.splice(i, 1);
      rules.splice(i, 1);
      const others = document.frozen.filter((name) => !name.startsWith(layer.name));
      document.frozen = others.map((name) => shifted(name, i + 1, -1));
      setActivations(document, rules);
    });
  const title = h("span", { class: "title" });
  word(title, "t", "network.layer", { n: i + 1 });
  const units = h("span", { class: "figure" }, String(layer.units));
  const mini = { class: "mini", size: 14 };
  const away = iconButton("close", "network.layer.remove", remove, { ...mini, "data-testid": `remove-layer-${i}`, "data-hide": "layers" });
  return h(
    "div",
    { class: "head", "data-testid": `layer-${i}`, style: place },
    h("span", { class: "title row" }, lock(store, layer), title, away),
    h(
      "span",
      { class: "row units", "data-hide": "units" },
      iconButton("minus", "network.unit.remove", () => resize(-1), {
        ...mini,
        disabled: layer.units < 2,
        "data-testid": `remove-unit-${i}`,
      }),
      units,
      iconButton("plus", "network.unit.add", () => resize(1), { ...mini, "data-testid": `add-unit-${i}` }),
    ),
    activationChooser(store, layer),
    marks(state, layer),
  );
}

/** @param {PlayState} state @param {LayerState} layer */
function marks(state, layer) {
  const { norm, dropout } = state.document.network;
  const mark = (/** @type {string} */ key, /** @type {object} */ vars = {}) => h("span", { class: "mark", t: key, vars });
  return h(
    "span",
    { class: "marks" },
    norm ? mark(`norm.${norm}.mark`) : null,
    dropout ? mark("dropout.mark", { share: dropout }) : null,
    layer.residual ? mark("residual.mark") : null,
  );
}

/** @param {Store} store @param {LayerState} layer */
function activationChooser(store, layer) {
  const rule = layer.activation;
  const known = store.hello?.catalogue.activations ?? [];
  const select = h(
    "select",
    {
      class: "activation",
      "data-testid": `activation-${layer.index}`,
      "data-hide": "activation",
      tLabel: "network.activation",
      vars: { n: layer.index + 1 },
    },
    ...known.map((one) => h("option", { value: one.name, title: one.doc }, spaced(one.name))),
    h("option", { value: "formula" }, t("formula.choose")),
  );
  select.value = ruleName(rule);
  select.title = typeof rule === "string" ? rule : `f(z) = ${rule.f}`;
  select.addEventListener("change", () => {
    if (select.value === "formula") {
      select.value = ruleName(rule);
      formulaEditor(store, layer, select);
    } else
      store.change((document) => {
        const rules = activations(document);
        rules[layer.index] = select.value;
        setActivations(document, rules);
      });
  });
  const entry = known.find((one) => one.name === ruleName(rule));
  const adjustable = typeof rule !== "string" || Object.keys(entry?.parameters ?? {}).length > 0;
  if (!adjustable) return h("span", { class: "row" }, select);
  const edit = () => activationEditor(store, layer, select);
  const open = iconButton("next", "formula.open", edit, { class: "mini", size: 14, "data-testid": `activation-open-${layer.index}` });
  return h("span", { class: "row" }, select, open);
}
