/** The data panel: which rows, how noisy, how many of them for testing, which inputs, points and tables of one's own. */
import { brushControls } from "./brush.js";
import { h, keepFocus } from "./dom.js";
import { chooser, iconButton, slider } from "./fields.js";
import { spaced } from "./rules.js";
import { pairChooser, tableControls } from "./table.js";
import { drawThumbnail, hasThumbnail } from "./thumbnails.js";
import { t, tOr } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

/** @param {Store} store @param {import("./brush.js").Brush} brush */
export function dataPanel(store, brush) {
  const pictures = h("div", { class: "pictures", role: "group", tLabel: "data.sets", "data-hide": "data" });
  const names = h("div", { class: "chips", role: "group", tLabel: "data.tables", "data-hide": "data" });
  const entry = () => store.hello?.catalogue.datasets.find(({ name }) => name === store.document?.data.name);
  const takes = (/** @type {string} */ setting) => () => setting in (entry()?.parameters ?? {});
  /** @param {string} name @param {number} min @param {number} max @param {number} step */
  const setting = (name, min, max, step) =>
    slider(store, {
      key: `data.${name}`,
      name,
      min,
      max,
      step,
      read: ({ data }) => data[name] ?? entry()?.parameters[name]?.default,
      write: ({ data }, value) => (data[name] = value),
      shown: takes(name),
    });

  const pair = h("div", {});
  const showPair = () => {
    const columns = entry()?.columns;
    pair.hidden = !columns || columns.length < 3;
    if (!columns || pair.hidden) return pair.replaceChildren();
    const put = (/** @type {string[] | null} */ two) => store.change((document) => (document.data.columns = two));
    keepFocus(pair, () => pair.replaceChildren(pairChooser(columns, store.document?.data.columns ?? null, put)));
  };
  const fill = () => {
    const sets = store.hello?.catalogue.datasets ?? [];
    const tiles = (/** @type {boolean} */ drawn) =>
      sets.filter(({ name }) => hasThumbnail(name) === drawn).map((set) => tile(store, set));
    keepFocus(pictures, () => pictures.replaceChildren(...tiles(true)));
    keepFocus(names, () => names.replaceChildren(...tiles(false)));
  };
  let chosen = "";
  const refresh = () => {
    const mark = JSON.stringify([store.document?.data.name, document.documentElement.lang, document.documentElement.dataset.theme]);
    if (mark !== chosen) fill();
    chosen = mark;
    showPair();
  };
  store.on("hello", () => (chosen = ""));
  store.on("document", refresh);
  store.on("state", refresh);
  store.on("theme", refresh);
  store.on("language", refresh);

  const draw = () => store.change(({ data }) => (data.seed += 1));
  const again = iconButton("regenerate", "data.again", draw, {
    class: "mini",
    "data-testid": "regenerate",
    "data-hide": "regenerate",
  });
  return h(
    "section",
    { class: "card data", "data-testid": "data" },
    h("header", {}, h("h2", { t: "data.title" }), again),
    pictures,
    names,
    pair,
    setting("noise", 0, 1, 0.01),
    setting("n", 20, 1000, 10),
    setting("arms", 1, 6, 1),
    setting("classes", 2, 10, 1),
    slider(store, {
      key: "data.test",
      name: "test-share",
      min: 0.1,
      max: 0.9,
      step: 0.05,
      read: (d) => d.data.test,
      write: (d, value) => (d.data.test = value),
      format: (value) => `${Math.round(100 * value)} %`,
      shown: (d) => d.data.test < 1,
    }),
    chooser(store, {
      key: "data.standardise",
      name: "standardise",
      read: (d) => String(d.data.standardise),
      write: (d, value) => (d.data.standardise = value === "null" ? null : value === "true"),
      entries: () => ["null", "true", "false"].map((value) => ({ value, text: t(`data.standardise.${value}`) })),
      shown: (d) => !takes("n")() && d.data.name !== "digits",
    }),
    inputs(store),
    brushControls(store, brush),
    tableControls(store),
  );
}

/** @param {Store} store @param {DatasetEntry} set */
function tile(store, set) {
  const current = store.document?.data.name === set.name;
  const choose = () =>
    store.change(({ data }) => {
      const { test, seed } = data;
      for (const name of Object.keys(data)) data[name] = null;
      Object.assign(data, { name: set.name, test: test ?? 0.3, seed });
    });
  const title = tOr(`dataset.${set.name}`, set.title || spaced(set.name));
  const attributes = { type: "button", "data-testid": `dataset-${set.name}`, "aria-pressed": String(current), onclick: choose };
  if (!hasThumbnail(set.name)) return h("button", { ...attributes, class: "chip" }, title);
  const canvas = h("canvas", { width: 104, height: 104 });
  drawThumbnail(canvas, set.name);
  return h("button", { ...attributes, class: "tile" }, canvas, h("span", {}, title));
}

/** The inputs of a plane as ticks. @param {Store} store */
function inputs(store) {
  const list = h("div", { class: "chips", role: "group", tLabel: "data.inputs" });
  const group = h("div", { class: "group", "data-hide": "inputs" }, h("h3", { t: "data.inputs" }), list);
  const refresh = () => {
    const known = store.hello?.catalogue.inputs ?? [];
    const used = store.state?.inputs ?? [];
    const ready = used.length && used.every(({ name }) => known.some((one) => one.name === name));
    group.hidden = !ready || (store.state?.scene.columns?.length ?? 2) !== 2;
    const wanted = store.document?.inputs ?? [];
    keepFocus(list, () =>
      list.replaceChildren(
        ...known.map(({ name, label }) => {
          const on = wanted.includes(name);
          const toggle = () =>
            store.change((document) => {
              const next = known.map((one) => one.name).filter((one) => (one === name ? !on : document.inputs.includes(one)));
              if (next.length) document.inputs = next;
            });
          const disabled = on && wanted.length === 1;
          const pressed = { "aria-pressed": String(on), disabled, "data-testid": `choose-${name}` };
          return h("button", { type: "button", class: "chip math-chip", ...pressed, onclick: toggle }, label);
        }),
      ),
    );
  };
  store.on("document", refresh);
  store.on("state", refresh);
  return group;
}
