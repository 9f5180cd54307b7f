/** The number behind a line or a square: a tip on hover and focus, a small editor on click or Enter. */
import { h, setText } from "./dom.js";
import { figure, readNumber, typed } from "./figures.js";
import { closePopover, popover } from "./popover.js";
import { t } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

/** @param {Store} store @param {string} parameter @param {number[]} index */
export function valueAt(store, parameter, index) {
  const found = store.parameter(parameter);
  if (!found) return null;
  const place = index.length > 1 ? index[0] * found.shape[found.shape.length - 1] + index[1] : index[0];
  return found.values[place] ?? null;
}

/** Follows the pointer or the focus with the number under it, which it describes. @param {Store} store */
export function tip(store) {
  const element = h("div", { class: "tip", id: "tip", role: "tooltip", hidden: true });
  document.body.append(element);
  /** @type {Element | null} */
  let described = null;
  /** @type {null | (() => string)} */
  let text = null;
  const refresh = () => text && setText(element, text());
  store.on("frame", refresh);
  return {
    /** @param {Element | null} target @param {() => string} say */
    show(target, say) {
      text = target ? say : null;
      element.hidden = !target;
      described?.removeAttribute("aria-describedby");
      described = target;
      if (!target) return;
      target.setAttribute("aria-describedby", element.id);
      refresh();
      const at = target.getBoundingClientRect();
      const left = at.left + at.width / 2 - element.offsetWidth / 2;
      element.style.left = `${Math.max(4, Math.min(innerWidth - element.offsetWidth - 4, left))}px`;
      element.style.top = `${Math.max(4, at.top + Math.min(at.height / 2, 200) - element.offsetHeight - 12)}px`;
    },
  };
}

/** @param {Store} store @param {Element} anchor @param {string} parameter @param {number[]} index */
export function editNumber(store, anchor, parameter, index) {
  let now = valueAt(store, parameter, index) ?? 0;
  const input = h("input", { type: "text", inputmode: "decimal", value: typed(now), tLabel: "edit.value", "data-testid": "edit-value" });
  const slide = h("input", { type: "range", tLabel: "edit.slide", "data-testid": "edit-slide" });
  /** @param {number} value */
  const stretch = (value) => {
    const range = Math.max(2, Number(slide.max), Math.ceil(Math.abs(value) * 2));
    Object.assign(slide, { min: String(-range), max: String(range), step: String(range / 200) });
  };
  stretch(now);
  slide.value = String(now);
  /** @param {number} next */
  const put = (next) => {
    now = next;
    store.do("edit", { parameter, index, value: next });
  };
  /** @param {number} next */
  const show = (next) => {
    if (Math.abs(next) > Number(slide.max)) stretch(next);
    slide.value = String(next);
    put(next);
  };
  /** @param {number} next */
  const set = (next) => {
    input.value = typed(next);
    input.setAttribute("aria-invalid", "false");
    show(next);
  };
  input.addEventListener("change", () => {
    const next = readNumber(input.value);
    const good = Number.isFinite(next);
    input.setAttribute("aria-invalid", String(!good));
    if (good) show(next);
  });
  slide.addEventListener("input", () => {
    input.value = typed(Number(slide.value));
    put(Number(slide.value));
  });
  const off = store.on("frame", () => (now = valueAt(store, parameter, index) ?? now));
  const zero = h("button", { type: "button", t: "edit.zero", onclick: () => set(0) });
  const flip = h("button", { type: "button", t: "edit.flip", onclick: () => set(now === 0 ? 0 : -now) });
  const frozen = store.state?.parameters.find((one) => one.name === parameter)?.frozen;
  const content = [
    h("p", { class: "code" }, `${parameter} [${index.join(", ")}]`),
    h("div", { class: "line" }, input, slide),
    h("div", { class: "actions" }, zero, flip),
    frozen ? h("p", { class: "hint", t: "edit.frozen" }) : null,
  ];
  popover(anchor, parameter.endsWith(".W") ? "edit.weight" : "edit.bias", content, { testid: "editor", closed: off });
}

/**
 * A unit opened down to its equation: z as the sum of weights times inputs, then a = f(z).
 * @param {Store} store @param {Element} anchor @param {LayerState} layer @param {number} unit @param {string[]} sources
 */
export function openUnit(store, anchor, layer, unit, sources) {
  const last = layer.role === "output";
  const sum = h("tbody");
  const put = () => {
    const weights = layer.weights ? store.parameter(layer.weights) : null;
    if (!weights) return;
    const across = weights.shape[1];
    const rows = Array.from({ length: Math.min(weights.shape[0], 24) }, (_, i) => {
      const value = weights.values[i * across + unit];
      const shown = h("td", { class: value < 0 ? "number negative" : "number positive" }, figure(value, 4));
      return h("tr", {}, shown, h("td", {}, "×"), h("td", {}, sources[i] ?? `a${subscript(i)}`));
    });
    if (layer.biases) {
      const shown = h("td", { class: "number" }, figure(valueAt(store, layer.biases, [0, unit]), 4));
      rows.push(h("tr", {}, shown, h("td"), h("td", { t: "edit.bias.short" })));
    }
    sum.replaceChildren(...rows);
  };
  put();
  const off = store.on("frame", put);
  const rule = typeof layer.activation === "string" ? layer.activation : layer.activation.f;
  const addend = last || sources[0]?.startsWith("a") ? "a" : "x";
  const named = `a = ${rule}${typeof layer.activation === "string" ? "(z)" : ""}`;
  const result = last ? t("unit.output.equation", { loss: store.state?.loss ?? "" }) : named;
  const equation = h("p", { class: "math" }, `z = Σ w·${addend} + b`, h("br"), result);
  const content = [equation, h("div", { class: "scroll" }, h("table", { class: "sum" }, sum)), traceButton(store, layer, unit)];
  const vars = last ? { unit, name: store.state?.scene.classes?.[unit] ?? "" } : { layer: layer.index + 1, unit };
  popover(anchor, last ? "unit.output" : "unit.hidden", content, { vars, testid: "unit-card", closed: off });
}

/** With the numbers of one row: the trace, opened at this unit. @param {Store} store @param {LayerState} layer @param {number} unit */
function traceButton(store, layer, unit) {
  const open = () => {
    store.wish = { layer: layer.name, unit };
    closePopover();
    store.select(store.selection?.row ?? 0, store.selection?.part ?? "train");
  };
  return h("button", { type: "button", t: "unit.trace", "data-testid": "unit-trace", "data-hide": "trace", onclick: open });
}

/** @param {number} n */
export const subscript = (n) => String(n).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]);
