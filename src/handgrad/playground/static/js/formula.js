/** A layer's activation in detail: its parameters, or a typed formula f(z) with its derivative f'(z, a). */
import { h, setText } from "./dom.js";
import { readNumber } from "./figures.js";
import { closePopover, popover } from "./popover.js";
import { activations, parseRule, ruleName, setActivations, writeRule } from "./rules.js";
import { t } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

/** The rule's parameters, if it has any, or else the formula. @param {Store} store @param {LayerState} layer @param {Element} anchor */
export function activationEditor(store, layer, anchor) {
  const rule = layer.activation;
  const entry = store.hello?.catalogue.activations.find((one) => one.name === ruleName(rule));
  if (typeof rule === "string" && entry && Object.keys(entry.parameters).length) parameterCard(store, layer, entry, anchor);
  else formulaEditor(store, layer, anchor);
}

/** A formula for this layer, whatever rule it has now. @param {Store} store @param {LayerState} layer @param {Element} anchor */
export function formulaEditor(store, layer, anchor) {
  formulaCard(store, layer.activation, putter(store, layer), anchor);
}

/** @param {Store} store @param {LayerState} layer @returns {(next: Rule) => void} */
const putter = (store, layer) => (next) =>
  store.change((document) => {
    const rules = activations(document);
    rules[layer.index] = next;
    setActivations(document, rules);
  });

/** @param {Store} store @param {LayerState} layer @param {Parametrised} entry @param {Element} anchor */
function parameterCard(store, layer, entry, anchor) {
  const put = putter(store, layer);
  const given = () => {
    const rule = store.document && activations(store.document)[layer.index];
    return typeof rule === "string" ? parseRule(rule).parameters : {};
  };
  /** @type {(() => void)[]} */
  const shows = [];
  const fields = Object.entries(entry.parameters).map(([name, standard]) => {
    const input = h("input", { type: "text", inputmode: "decimal" });
    const show = () => {
      input.value = String(given()[name] ?? standard);
      input.setAttribute("aria-invalid", "false");
    };
    input.addEventListener("change", () => {
      const value = readNumber(input.value);
      input.setAttribute("aria-invalid", String(!Number.isFinite(value)));
      if (Number.isFinite(value)) put(writeRule(entry.name, { ...given(), [name]: value }));
    });
    show();
    shows.push(show);
    return h("label", { class: "line" }, h("span", {}, name), input);
  });
  const off = store.on("error", ({ doing }) => doing === "change" && shows.forEach((show) => show()));
  popover(anchor, "formula.parameters", fields, { testid: "activation-editor", closed: off });
}

/** @param {Store} store @param {Rule} rule @param {(rule: Rule) => void} put @param {Element} anchor */
function formulaCard(store, rule, put, anchor) {
  const before = typeof rule === "string" ? { f: "z * sigmoid(z)", df: "sigmoid(z) + a * sigmoid(-z)" } : rule;
  const f = h("input", { type: "text", class: "code", value: before.f, spellcheck: "false", "data-testid": "formula-f" });
  const df = h("input", { type: "text", class: "code", value: before.df, spellcheck: "false", "data-testid": "formula-df" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const use = h("button", { type: "submit", class: "primary", t: "formula.use", "data-testid": "formula-use" });
  const form = h(
    "form",
    { class: "stack" },
    h("label", { class: "line" }, h("span", { class: "math" }, "f(z) ="), f),
    h("label", { class: "line" }, h("span", { class: "math" }, "f′(z, a) ="), df),
    h("p", { class: "hint", t: "formula.hint", vars: { functions: (store.hello?.catalogue.functions ?? []).join(", ") } }),
    wrong,
    h("div", { class: "actions" }, use),
  );
  const offs = [store.on("error", (error) => setText(wrong, error.message)), store.on("state", () => closePopover(true))];
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!f.value.trim() || !df.value.trim()) return setText(wrong, t("formula.empty"));
    setText(wrong, "");
    put({ f: f.value.trim(), df: df.value.trim() });
  });
  popover(anchor, "formula.title", [form], { testid: "formula", wide: true, closed: () => offs.forEach((off) => off()) });
}
