/** The training panel: optimiser and its settings, schedule, batches, first weights, regularisation, loss, seed. */
import { h, keepFocus, reword } from "./dom.js";
import { chooser, number, slider, tick } from "./fields.js";
import { readNumber } from "./figures.js";
import { parseRule, ruleName, spaced, writeRule } from "./rules.js";
import { t, tOr } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

const LADDERS = {
  learning_rate: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
  share: [0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999],
  l2: [0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
  batch_size: [1, 2, 5, 10, 20, 32, 50, 100, 200],
  clip_norm: [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
  epochs: [10, 50, 100, 200, 500, 1000, 2000, 5000, 10000],
};
const OF_ALL = ["optimizer", "epochs", "batch_size", "schedule", "clip_norm"];

/** @param {Store} store */
export function trainingPanel(store) {
  return h(
    "section",
    { class: "card training", "data-testid": "training" },
    h("header", {}, h("h2", { t: "training.title" })),
    optimizerChooser(store),
    optimizerSettings(store),
    number(store, {
      key: "training.batch_size",
      name: "batch-size",
      ladder: LADDERS.batch_size,
      nullable: true,
      whole: true,
      placeholder: "all",
      read: (d) => d.training.batch_size,
      write: (d, value) => (d.training.batch_size = value),
      shown: (d) => d.training.optimizer !== "lbfgs",
    }),
    ruled(store, "schedule", "schedules", (d) => d.training.schedule ?? "constant", (d, value) => (d.training.schedule = value)),
    number(store, {
      key: "training.clip_norm",
      name: "clip-norm",
      ladder: LADDERS.clip_norm,
      nullable: true,
      placeholder: "none",
      read: (d) => d.training.clip_norm,
      write: (d, value) => (d.training.clip_norm = value),
    }),
    number(store, {
      key: "training.epochs",
      name: "epochs",
      ladder: LADDERS.epochs,
      whole: true,
      read: (d) => d.training.epochs,
      write: (d, value) => (d.training.epochs = value),
    }),
    h("h3", { class: "divider", t: "network.settings" }),
    ruled(store, "init", "initializers", (d) => d.network.init, (d, value) => (d.network.init = value)),
    ruled(store, "bias_init", "initializers", (d) => d.network.bias_init, (d, value) => (d.network.bias_init = value)),
    lossChooser(store),
    ...networkSettings(store),
    number(store, {
      key: "training.seed",
      name: "seed",
      whole: true,
      ladder: Array.from({ length: 100 }, (_, i) => i),
      read: (d) => d.seed,
      write: (d, value) => (d.seed = value),
    }),
  );
}

/** @param {Store} store */
function optimizerChooser(store) {
  const known = () => store.hello?.catalogue.optimizers ?? [];
  return chooser(store, {
    key: "training.optimizer",
    name: "optimizer",
    read: (d) => d.training.optimizer,
    write: takeOptimizer(store),
    entries: () => known().map(({ name, title }) => ({ value: name, text: title ?? name })),
  });
}

/** @param {Store} store */
function networkSettings(store) {
  const norms = () => (store.hello?.catalogue.norms ?? []).map((name) => ({ value: name, text: t(`norm.${name}`) }));
  return [
    number(store, {
      key: "network.l2",
      name: "l2",
      ladder: LADDERS.l2,
      read: (d) => d.network.l2,
      write: (d, value) => (d.network.l2 = value),
    }),
    slider(store, {
      key: "network.dropout",
      name: "dropout",
      min: 0,
      max: 0.9,
      step: 0.05,
      read: (d) => d.network.dropout,
      write: (d, value) => (d.network.dropout = value),
    }),
    chooser(store, {
      key: "network.norm",
      name: "norm",
      read: (d) => d.network.norm ?? "",
      write: (d, value) => (d.network.norm = value || null),
      entries: () => [{ value: "", text: t("none") }, ...norms()],
    }),
    tick(store, {
      key: "network.residual",
      name: "residual",
      read: (d) => d.network.residual,
      write: (d, on) => (d.network.residual = on),
    }),
  ];
}

/** A new optimiser comes with settings of its own; those of the old one go. @param {Store} store */
function takeOptimizer(store) {
  return (/** @type {PlayDocument} */ document, /** @type {string} */ name) => {
    const before = document.training;
    const usual = store.hello?.defaults.training;
    /** @type {any} */
    const next = {};
    for (const key of OF_ALL) if (key in before) next[key] = before[key];
    next.optimizer = name;
    const entry = store.hello?.catalogue.optimizers.find((one) => one.name === name);
    Object.assign(next, entry?.parameters);
    if (usual?.optimizer === name) next.learning_rate = usual.learning_rate;
    if (name === "lbfgs") Object.assign(next, { batch_size: null, epochs: Math.min(next.epochs ?? 100, 100), schedule: "constant" });
    else if (before.optimizer === "lbfgs") Object.assign(next, { batch_size: usual?.batch_size ?? 10, epochs: usual?.epochs ?? 1000 });
    document.training = next;
  };
}

/** One field for each setting of the optimiser that is chosen; each optimiser's are made once. @param {Store} store */
function optimizerSettings(store) {
  const box = h("div", { class: "nested" });
  /** @type {Map<string, HTMLElement[]>} */
  const made = new Map();
  let shown = "";
  const refresh = () => {
    const name = store.document?.training.optimizer ?? "";
    const entry = store.hello?.catalogue.optimizers.find((one) => one.name === name);
    if (name === shown || !entry) return;
    shown = name;
    const fields = made.get(name) ?? Object.entries(entry.parameters).map((one) => optimizerField(store, name, ...one));
    made.set(name, fields);
    box.replaceChildren(...fields);
    reword(box); // the language may have changed while they were away
  };
  store.on("document", refresh);
  store.on("state", refresh);
  return box;
}

/** @param {string} setting */
function ladderOf(setting) {
  if (setting === "learning_rate") return LADDERS.learning_rate;
  if (/momentum|beta|rho/.test(setting)) return LADDERS.share;
  return setting === "weight_decay" ? LADDERS.l2 : undefined;
}

/** @param {Store} store @param {string} optimizer @param {string} setting @param {any} standard */
function optimizerField(store, optimizer, setting, standard) {
  const key = `setting.${setting}`;
  /** @type {import("./fields.js").FieldOptions} */
  const options = {
    key: tOr(key, "") ? key : setting,
    name: setting.replaceAll("_", "-"),
    read: (d) => d.training[setting] ?? standard,
    write: (d, value) => (d.training[setting] = value),
    shown: (d) => d.training.optimizer === optimizer,
  };
  return typeof standard === "boolean" ? tick(store, options) : number(store, { ...options, ladder: ladderOf(setting) });
}

/**
 * A chooser of rules from the catalogue, with a field for each of the chosen rule's parameters.
 * @param {Store} store @param {string} name @param {"schedules" | "initializers" | "losses"} family
 * @param {(document: PlayDocument) => string} read @param {(document: PlayDocument, rule: string) => void} write
 * @param {() => {value: string, text: string, disabled?: boolean}[]} [first] entries before the rules
 */
function ruled(store, name, family, read, write, first = () => []) {
  const rules = () => store.hello?.catalogue[family] ?? [];
  const refused = () => new Set(family === "losses" ? store.state?.unfitting ?? [] : []);
  const entry = (/** @type {Parametrised} */ { name: value, doc }) => {
    return { value, text: spaced(value), disabled: refused().has(value), title: doc };
  };
  const select = chooser(store, {
    key: `rule.${name}`,
    name: name.replaceAll("_", "-"),
    read: (d) => ruleName(read(d)),
    write,
    entries: () => [...first(), ...rules().map(entry)],
  });
  const inside = h("div", { class: "nested" });
  let built = "";
  const refresh = () => {
    if (!store.document) return;
    const rule = parseRule(read(store.document) ?? "");
    const mark = JSON.stringify(rule);
    if (mark === built) return;
    built = mark;
    const known = Object.entries(rules().find((one) => one.name === rule.name)?.parameters ?? {});
    const numbers = known.filter(([, standard]) => standard === null || typeof standard === "number");
    const settings = numbers.map(([setting, standard]) => ruleSetting(store, name, setting, rule, standard, write));
    keepFocus(inside, () => inside.replaceChildren(...settings));
  };
  store.on("document", refresh);
  store.on("state", refresh);
  store.on("error", ({ doing }) => {
    if (doing !== "change") return;
    built = ""; // what was refused stands there no longer
    refresh();
  });
  return h("div", { "data-hide": name.replaceAll("_", "-") }, select, inside);
}

/**
 * @param {Store} store @param {string} name @param {string} setting @param {{name: string, parameters: Record<string, any>}} rule
 * @param {number | null} standard @param {(document: PlayDocument, rule: string) => void} write
 */
function ruleSetting(store, name, setting, rule, standard, write) {
  const value = String(rule.parameters[setting] ?? standard ?? "");
  const input = h("input", { type: "text", inputmode: "decimal", value, "data-testid": `${name}-${setting}` });
  input.addEventListener("change", () => {
    const typed = readNumber(input.value);
    const good = Number.isFinite(typed);
    input.setAttribute("aria-invalid", String(!good));
    if (good) store.change((document) => write(document, writeRule(rule.name, { ...rule.parameters, [setting]: typed })));
  });
  return h("label", { class: "field line" }, h("span", {}, tOr(`setting.${setting}`, spaced(setting))), input);
}

/** @param {Store} store */
function lossChooser(store) {
  const first = () => [{ value: "", text: t("network.loss.usual", { loss: spaced((store.state?.loss ?? "").split("(")[0]) }) }];
  return ruled(store, "loss", "losses", (d) => d.network.loss ?? "", (d, value) => (d.network.loss = value || null), first);
}
