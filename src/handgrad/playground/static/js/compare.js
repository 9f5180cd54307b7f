/** Many seeds at once: this setting alone, or against one that differs in one field, with what may be said of it. */
import { bandChart } from "./bandchart.js";
import { classColour, classRgb, mix, paintValues, paper } from "./colours.js";
import { copyText, h, setText, word } from "./dom.js";
import { figure, readNumber } from "./figures.js";
import { spaced } from "./rules.js";
import { t, tOr } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

/** @typedef {"initializers" | "activations" | "optimizers" | "schedules" | "norms"} Family */

/** What can be varied: the document's field, and the family of the catalogue its values come from, or a usual number. */
const FIELDS = /** @type {Record<string, {family?: Family, usual?: string}>} */ ({
  "network.init": { family: "initializers" },
  "network.activation": { family: "activations" },
  "network.hidden_sizes": { usual: "8, 8" },
  "network.norm": { family: "norms" },
  "network.l2": { usual: "0.001" },
  "network.dropout": { usual: "0.2" },
  "training.optimizer": { family: "optimizers" },
  "training.learning_rate": { usual: "0.01" },
  "training.batch_size": { usual: "50" },
  "training.schedule": { family: "schedules" },
});

/** @param {Store} store */
export function comparePanel(store) {
  const field = h("select", { "data-testid": "compare-field", id: "compare-field" });
  const choice = h("select", { "data-testid": "compare-value", tLabel: "compare.value" });
  const typed = h("input", { type: "text", tLabel: "compare.value", "data-testid": "compare-typed" });
  const seeds = h("input", { type: "number", min: 2, max: 100, value: "20", id: "compare-seeds", "data-testid": "compare-seeds" });
  const start = h("button", { type: "button", class: "primary", t: "compare.go", "data-testid": "compare-go" });
  const end = () => (store.do("stop"), done());
  const stop = h("button", { type: "button", t: "stop", hidden: true, "data-testid": "compare-stop", onclick: end });
  const progress = h("progress", { max: 1, value: 0, hidden: true, tLabel: "compare.progress" });
  const status = h("span", { class: "hint figure", role: "status" });
  const report = h("div", { class: "comparison", "data-testid": "comparison" });
  const panel = h(
    "div",
    {},
    h("p", { class: "hint", t: "compare.intro" }),
    h(
      "div",
      { class: "actions" },
      h("label", { for: "compare-field", t: "compare.field" }),
      field,
      choice,
      typed,
      h("label", { for: "compare-seeds", t: "compare.seeds" }),
      seeds,
      start,
      stop,
    ),
    h("div", { class: "actions" }, progress, status),
    report,
  );
  /** @type {Comparison | null} */
  let last = null;

  const fill = () => {
    const before = field.value;
    const options = Object.keys(FIELDS).map((name) => h("option", { value: name }, t(`compare.${name}`)));
    field.replaceChildren(h("option", { value: "" }, t("compare.alone")), ...options);
    field.value = before;
    fillValues();
  };
  const fillValues = () => {
    const chosen = FIELDS[field.value];
    choice.hidden = !chosen?.family;
    typed.hidden = !chosen || Boolean(chosen.family);
    if (chosen?.family) {
      const family = store.hello?.catalogue[chosen.family] ?? [];
      const option = (/** @type {string | Parametrised} */ one) =>
        typeof one === "string"
          ? h("option", { value: one }, t(`norm.${one}`))
          : h("option", { value: one.name }, one.title ?? spaced(one.name));
      choice.replaceChildren(...family.map(option));
    } else if (chosen) typed.value = chosen.usual ?? "";
    typed.setAttribute("aria-invalid", "false");
  };
  field.addEventListener("change", fillValues);

  /** What was typed: numbers for the layers, one number for any other field. */
  const number = () => {
    if (field.value !== "network.hidden_sizes") return readNumber(typed.value);
    return typed.value.split(/[\s,;]+/).filter(Boolean).map(Number);
  };
  const wanted = () => {
    const chosen = FIELDS[field.value];
    if (!chosen) return null;
    return { [field.value]: chosen.family ? choice.value : number() };
  };
  start.addEventListener("click", () => {
    const bad = !typed.hidden && [number()].flat().some((value) => !Number.isFinite(value));
    typed.setAttribute("aria-invalid", String(bad));
    if (bad) typed.focus();
    else begin({ with: wanted(), seeds: Number(seeds.value) });
  });
  /** @param {Record<string, any>} message */
  const begin = (message) => {
    if (!store.do("compare", message)) return;
    start.disabled = true;
    stop.hidden = progress.hidden = false;
    progress.value = 0;
    word(status, "t", "compare.busy");
  };
  const done = () => {
    start.disabled = false;
    stop.hidden = progress.hidden = true;
    delete status.dataset.t;
    setText(status, "");
  };
  const draw = () => last && report.replaceChildren(...show(last, store));
  store.on("comparison", (/** @type {Comparison} */ message) => {
    if (!message.finished) {
      progress.value = message.total ? message.done / message.total : 0;
      return word(status, "t", "compare.done", { done: message.done, total: message.total });
    }
    done();
    last = message;
    draw();
  });
  store.on("error", ({ doing }) => (!doing || doing === "compare") && done());
  store.on("link", done);
  store.on("opening", () => {
    last = null;
    report.replaceChildren();
  });
  store.on("hello", fill);
  store.on("language", () => (fill(), draw()));
  store.on("theme", draw);
  return { panel, begin };
}

/** @param {string} code */
function copyButton(code) {
  const button = h("button", { type: "button", t: "copy", "data-testid": "comparison-copy" });
  button.addEventListener("click", async () => {
    await copyText(code);
    word(button, "t", "share.copied");
  });
  return h("div", { class: "actions" }, button);
}

/** @typedef {ComparedSetting & {diverged?: number}} Seen */

/**
 * The mean of a setting with its interval, unless none of its networks lived.
 * @param {Seen} setting @param {Comparison} found @param {string} metric
 */
function meanOf({ interval, diverged = 0 }, found, metric) {
  if (!interval || diverged >= (found.seeds ?? Infinity)) return "";
  const { value, low, high, level = 0.95 } = interval;
  const ends = { value: figure(value), low: figure(low), high: figure(high) };
  return t("compare.interval", { metric, ...ends, level: Math.round(100 * level) });
}

/** @param {Comparison} found @param {Store} store */
function show(found, store) {
  const settings = /** @type {Seen[]} */ (found.settings ?? []);
  const named = (/** @type {string} */ name) => (settings.length === 1 || !name ? t("compare.this") : spaced(name));
  const colour = (/** @type {number} */ i) => h("i", { style: { backgroundColor: classColour(1 - i) } });
  const key = h("p", { class: "legend" }, ...settings.map(({ name }, i) => h("span", { class: "key" }, colour(i), named(name))));
  const loss = settings.map(({ name, epochs, loss: band }) => ({ name, epochs, band }));
  const test = settings.flatMap(({ name, epochs, test: band }) => (band ? [{ name, epochs, band }] : []));
  const metric = tOr(`metric.${found.metric}`, spaced(found.metric ?? ""));
  const lost = settings.filter(({ diverged }) => diverged);
  const maps = settings.flatMap((setting) => {
    if (!setting.agreement) return [];
    const [rows, columns] = setting.agreement.shape;
    const label = `${t("compare.agreement")} ${setting.name}`;
    const canvas = h("canvas", { width: columns, height: rows, role: "img", "aria-label": label });
    paintAgreement(canvas, setting.agreement, store);
    return [h("figure", {}, canvas, h("figcaption", {}, named(setting.name)))];
  });
  const means = settings.map((setting) => meanOf(setting, found, metric));
  const figures = settings.length < 2 ? [] : settings.flatMap(({ name }, i) => (means[i] ? [`${named(name)}: ${means[i]}`] : []));
  const chart = (/** @type {string} */ title, /** @type {typeof loss} */ bands) =>
    h("figure", {}, h("figcaption", {}, title), bandChart(bands, title));
  const of = settings[0]?.agreement?.class ? "compare.agreement.hint" : "compare.agreement.mean";
  return [
    h("p", { class: "verdict-words", "data-testid": "comparison-verdict" }, (settings.length === 1 && means[0]) || found.verdict),
    ...figures.map((text) => h("p", { class: "figure", "data-testid": "comparison-mean" }, text)),
    ...lost.map(({ name, diverged }) =>
      h("p", { class: "hint", t: "compare.diverged", vars: { name: named(name), diverged, seeds: found.seeds ?? "" } }),
    ),
    h("p", { class: "hint", t: "compare.bands", vars: { seeds: found.seeds ?? "", epochs: found.epochs ?? "" } }),
    key,
    h("div", { class: "charts" }, chart(t("loss.train"), loss), test.length ? chart(metric, test) : null),
    maps.length ? h("h3", { t: "compare.agreement" }) : null,
    maps.length ? h("p", { class: "hint", t: of }) : null,
    h("div", { class: "agreements" }, ...maps),
    found.code ? codeOf(found.code) : null,
  ].filter((one) => one !== null);
}

/** @param {string} code */
function codeOf(code) {
  const text = h("pre", { class: "code", tabindex: 0, role: "group", tLabel: "compare.code" }, code);
  return h("details", {}, h("summary", { t: "compare.code" }), text, copyButton(code));
}

/**
 * The class most seeds choose, paler where they disagree; of numbers the mean.
 * @param {HTMLCanvasElement} canvas @param {Agreement} agreement @param {Store} store
 */
function paintAgreement(canvas, agreement, store) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = pen.createImageData(canvas.width, canvas.height);
  const background = paper();
  if (agreement.class && agreement.share) {
    const least = 1 / Math.max(2, store.state?.scene.classes?.length ?? 2);
    agreement.class.forEach((label, i) => {
      const sure = Math.max(0, ((agreement.share?.[i] ?? 1) - least) / (1 - least));
      image.data.set([...mix(background, classRgb(label), 0.06 + 0.84 * sure ** 2), 255], 4 * i);
    });
  } else if (agreement.mean) {
    const values = agreement.mean.map((value) => value ?? NaN); // what is not finite comes as null
    paintValues(values, 0, image, Math.max(1e-9, ...values.filter(Number.isFinite).map(Math.abs)));
  }
  pen.putImageData(image, 0, 0);
}
