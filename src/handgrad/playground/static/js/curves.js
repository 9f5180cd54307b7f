/** Loss and metric over the epochs, for the training and the test rows; the loss linear or logarithmic. */
import { shade, signColour } from "./colours.js";
import { h, setText, word } from "./dom.js";
import { tick } from "./fields.js";
import { figure } from "./figures.js";
import { t } from "./words.js";

const EVERY = 90; // milliseconds between two drawings

/**
 * @param {string[]} labels @param {boolean} log @param {number} width @param {number} height
 * @param {[number | null, number | null]} ends @param {uPlot.Hooks.Arrays} hooks @returns {uPlot.Options}
 */
function options(labels, log, width, height, ends, hooks) {
  const ink = shade === "dark" ? "#a3aab6" : "#5b6372";
  const grid = { stroke: shade === "dark" ? "#2a3039" : "#eceae4", width: 1 };
  const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font: "11px system-ui, sans-serif", gap: 4 };
  const colours = [signColour(1), signColour(-1)];
  const across = (/** @type {uPlot} */ plot) => {
    const epochs = plot.data[0];
    const first = epochs[0] ?? 0;
    return /** @type {[number, number]} */ ([first, Math.max(epochs[epochs.length - 1] ?? 0, first + 10)]);
  };
  const points = { show: (/** @type {uPlot} */ plot) => plot.data[0].length === 1 };
  return {
    width,
    height,
    padding: [8, 10, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { show: false },
    hooks,
    scales: {
      x: { time: false, range: across },
      y: log ? { distr: 3 } : { range: (_, low, high) => range(low, high, ends) },
    },
    axes: [
      { ...axis, size: 24, space: 60 },
      { ...axis, size: 46, space: 28, values: (_, marks) => marks.map((mark) => (mark === null ? "" : short(mark))) },
    ],
    series: [
      { label: t("curve.epoch") },
      ...labels.map((label, i) => ({ label, stroke: colours[i], width: 2, dash: i ? [5, 3] : undefined, points })),
    ],
  };
}

/** @param {number} mark */
const short = (mark) => (Math.abs(mark) >= 1e5 ? mark.toExponential(0).replace("e+", "e") : String(Number(mark.toPrecision(3))));

/** @param {number | null} low @param {number | null} high @param {[number | null, number | null]} ends @returns {[number, number]} */
function range(low, high, ends) {
  const bottom = ends[0] ?? low ?? 0;
  const top = ends[1] ?? high ?? 1;
  const lower = Math.min(bottom, low ?? bottom);
  return [lower, top > lower ? top : lower + 1];
}

/** Writes the values under the pointer. @param {HTMLElement} output @returns {(plot: uPlot) => void} */
function reader(output) {
  return (plot) => {
    const i = plot.cursor.idx;
    const at = (/** @type {number} */ series) => plot.data[series]?.[i ?? -1];
    setText(output, i === null || i === undefined ? "" : `${t("curve.epoch")} ${at(0)}:  ${figure(at(1))} · ${figure(at(2))}`);
  };
}

/** Marks where a network is that was taken back in time. @param {uPlot} plot @param {number} epoch */
function markNow(plot, epoch) {
  const epochs = plot.data[0];
  if (epoch >= (epochs[epochs.length - 1] ?? 0)) return;
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(epoch, "x", true));
  ctx.save();
  ctx.fillStyle = shade === "dark" ? "#e8e9ec" : "#1c2230";
  ctx.fillRect(x - 1, bbox.top, 2, bbox.height);
  ctx.restore();
}

/** @param {import("./store.js").Store} store */
export function curves(store) {
  const lossBox = h("div", { class: "chart", role: "img", tLabel: "curve.loss" });
  const metricBox = h("div", { class: "chart", role: "img", tLabel: "curve.metric" });
  const readings = [h("span"), h("span")];
  const metricTitle = h("h3", { t: "curve.metric" });
  const log = tick(store, { key: "curve.log", name: "log", read: (d) => d.view.log, write: (d, on) => (d.view.log = on) });
  const card = h(
    "section",
    { class: "card curves", "data-hide": "curves" },
    h("header", {}, h("h2", { t: "curve.title" }), log),
    h("div", { class: "chart-title" }, h("h3", { t: "curve.loss" }), readings[0]),
    lossBox,
    h("div", { class: "chart-title" }, metricTitle, readings[1]),
    metricBox,
  );
  /** @type {uPlot[]} */
  let plots = [];
  let built = "";

  /** @returns {uPlot.AlignedData[]} */
  const data = () => {
    const { epoch = [], train_loss = [], test_loss = [], train_metric = [], test_metric = [] } = store.curves;
    const log = store.document?.view.log;
    const drawable = (/** @type {number | null} */ value) => (value !== null && value > 0 ? value : null);
    const positive = (/** @type {(number | null)[]} */ values) => (log ? values.map(drawable) : values);
    return /** @type {any} */ ([[epoch, positive(train_loss), positive(test_loss)], [epoch, train_metric, test_metric]]);
  };
  const build = () => {
    const width = lossBox.clientWidth;
    if (!width || !store.state) return;
    const isLog = store.document?.view.log ?? false;
    const metric = store.state.metric;
    const mark = [width, isLog, metric, shade, document.documentElement.lang].join();
    if (mark === built) return;
    built = mark;
    plots.forEach((plot) => plot.destroy());
    const labels = [t("loss.train.short"), t("loss.test.short")];
    word(metricTitle, "t", `metric.${metric}`);
    const [first, second] = data();
    const now = (/** @type {uPlot} */ plot) => markNow(plot, store.frame?.header.epoch ?? Infinity);
    const hooks = readings.map((output) => ({ setCursor: [reader(output)], draw: [now] }));
    plots = [
      new uPlot(options(labels, isLog, width, 138, [0, null], hooks[0]), first, lossBox),
      new uPlot(options(labels, false, width, 118, [null, 1], hooks[1]), second, metricBox),
    ];
  };
  let timer = 0;
  const soon = () => {
    if (timer) return;
    timer = window.setTimeout(() => {
      timer = 0;
      build();
      data().forEach((columns, i) => plots[i]?.setData(columns));
    }, EVERY);
  };
  store.on("curves", soon);
  store.on("state", soon);
  store.on("document", soon);
  store.on("theme", soon);
  store.on("language", soon);
  new ResizeObserver(soon).observe(lossBox);
  return card;
}
