/** What each layer passes on: spread, saturation, gradients and updates, with theory's prediction marked beside them. */
import { h } from "./dom.js";
import { figure, percent } from "./figures.js";
import { t } from "./words.js";

const LOW = 1e-6; // both ends of the logarithmic bars
const HIGH = 1e2;

/** @param {number | null | undefined} value */
const place = (value) => (value && value > 0 ? Math.max(0, Math.min(1, Math.log(value / LOW) / Math.log(HIGH / LOW))) : 0);

/** @param {string} kind @param {number | null | undefined} value @param {number | null} [predicted] */
function bar(kind, value, predicted = null) {
  const mark = predicted === null ? null : h("i", { class: "predicted", style: { left: `${100 * place(predicted)}%` }, tTitle: "signals.predicted", vars: { value: figure(predicted) } });
  return h("span", { class: `bar ${kind}` }, h("i", { class: "fill", style: { width: `${100 * place(value)}%` } }), mark);
}

/** @param {string} kind @param {number | null | undefined} share */
const shareBar = (kind, share) => h("span", { class: `bar ${kind}` }, h("i", { class: "fill", style: { width: `${100 * (share ?? 0)}%` } }));

/** @param {import("./store.js").Store} store @param {() => boolean} visible */
export function signalsPanel(store, visible) {
  const body = h("tbody");
  const columns = ["layer", "mean", "variance", "saturated", "dead", "gradient", "update"];
  const head = h("tr", {}, ...columns.map((name) => h("th", { scope: "col", t: `signals.${name}`, tTitle: `signals.${name}.tip` })));
  const empty = h("p", { class: "hint", t: "signals.none" });
  const table = h("table", { class: "signals" }, h("thead", {}, head), body);
  const legend = h("p", { class: "hint" }, h("i", { class: "predicted-key" }), " ", h("span", { t: "signals.legend" }));
  const panel = h("div", { class: "wide-scroll", tabindex: 0 }, empty, table, legend);

  const refresh = () => {
    const { signals, state } = store;
    empty.hidden = Boolean(signals);
    table.hidden = !signals;
    legend.hidden = !state?.theory || !signals;
    if (!signals || !visible()) return;
    body.replaceChildren(...signals.layers.map((layer) => row(store, layer, signals)));
  };
  store.on("signals", refresh);
  store.on("state", refresh);
  store.on("language", refresh);
  return { panel, refresh };
}

/** @param {import("./store.js").Store} store @param {LayerSignal} layer @param {Signals} signals */
function row(store, layer, signals) {
  const dense = /^dense(\d+)$/.exec(layer.layer);
  const predicted = dense ? store.state?.theory?.variance[Number(dense[1]) - 1] ?? null : null;
  const update = signals.updates[layer.layer];
  const cell = (/** @type {string} */ text, /** @type {Node | null} */ drawn = null) => h("td", { class: "number" }, drawn, h("span", {}, text));
  return h(
    "tr",
    { class: dense ? "weighted" : "" },
    h("th", { scope: "row" }, layer.layer, h("small", {}, ` ${t("signals.units", { n: layer.units })}`)),
    cell(figure(layer.mean)),
    cell(figure(layer.variance), bar("spread", layer.variance, predicted)),
    cell(layer.saturated === null ? "" : percent(layer.saturated), layer.saturated === null ? null : shareBar("warn", layer.saturated)),
    cell(layer.dead === null ? "" : percent(layer.dead), layer.dead === null ? null : shareBar("warn", layer.dead)),
    cell(figure(layer.gradient), bar("slope", layer.gradient)),
    cell(update === undefined || update === null ? "" : figure(update), update ? bar("move", update) : null),
  );
}
