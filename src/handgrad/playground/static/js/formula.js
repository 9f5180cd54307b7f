/** A layer's activation in detail: its parameters, or a typed formula f(z) with its derivative f'(z, a). */
import { h, setText } from "./dom.js";
import { closePopover, popover } from "./popover.js";
import { activations, parseRule, ruleName, setActivations, writeRule } from "./rules.js";
import { t } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

/** @param {Store} store @param {LayerState} layer @param {Element} anchor */
export function activationEditor(store, layer, anchor) {
  const rule = layer.activation;
  const entry = typeof rule === "string" ? store.hello?.catalogue.activations.find((one) => one.name === ruleName(rule)) : null;
  const formula = typeof rule !== "string" || !entry || Object.keys(entry.parameters).length === 0 || /** @type {HTMLSelectElement} */ (anchor).dataset.formula === "1";
  const put = (/** @type {Rule} */ next) =>
    store.change((document) => {
      const rules = activations(document);
      rules[layer.index] = next;
      setActivations(document, rules);
    });
  if (!formula && entry && typeof rule === "string") return void popover(anchor, "formula.parameters", parameterFields(entry, rule, put), { testid: "activation-editor" });
  formulaCard(store, rule, put, anchor);
}

/** @param {Parametrised} entry @param {string} rule @param {(rule: Rule) => void} put */
function parameterFields(entry, rule, put) {
  const given = parseRule(rule).parameters;
  return Object.entries(entry.parameters).map(([name, standard]) => {
    const input = h("input", { type: "text", inputmode: "decimal", value: String(given[name] ?? standard) });
    input.addEventListener("change", () => {
      const value = Number(input.value);
      if (Number.isFinite(value)) put(writeRule(entry.name, (given[name] = value, given)));
    });
    return h("label", { class: "line" }, h("span", {}, name), input);
  });
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
