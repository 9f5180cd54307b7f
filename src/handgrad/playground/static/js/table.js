/** A table of one's own: a CSV file dropped anywhere on the page or chosen, then its target and its columns. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {{name: string, numeric: boolean, distinct: number}} ColumnInfo */

/** @param {Store} store */
export function tableControls(store) {
  const file = h("input", { type: "file", accept: ".csv,text/csv,.tsv,.txt", hidden: true, "data-testid": "csv-file" });
  const button = h("button", { type: "button", class: "wide", "data-testid": "csv", onclick: () => file.click() }, icon("share", 18), h("span", { t: "table.open" }));
  const chosen = h("div", { class: "table-choice", hidden: true });
  /** @type {ColumnInfo[]} */
  let columns = [];
  let csv = "";
  let asked = "";

  /** @param {File} found */
  const read = async (found) => {
    csv = await found.text();
    asked = csv;
    store.do("columns", { csv });
  };
  file.addEventListener("change", () => {
    if (file.files?.[0]) read(file.files[0]);
    file.value = "";
  });
  dropAnywhere((found) => read(found));

  store.on("columns", (message) => {
    columns = message.columns;
    const names = columns.map((column) => column.name);
    const current = store.document?.data;
    const again = current?.name === "table" && current.csv === csv && names.includes(current.target ?? "");
    if (!again) take(guess(columns), null);
    show();
  });
  /** @param {string} target @param {string[] | null} pair */
  const take = (target, pair) =>
    store.change(({ data }) => {
      const { test, seed } = data;
      for (const name of Object.keys(data)) data[name] = null;
      Object.assign(data, { name: "table", csv, target, columns: pair, test: test ?? 0.3, seed });
    });

  const show = () => {
    const data = store.document?.data;
    chosen.hidden = data?.name !== "table" || data.csv !== csv || !columns.length;
    if (chosen.hidden || !data) return;
    const target = h("select", { "data-testid": "target", tLabel: "table.target" }, ...columns.map(({ name }) => h("option", { value: name }, name)));
    target.value = data.target ?? "";
    target.addEventListener("change", () => take(target.value, data.columns?.includes(target.value) ? null : data.columns));
    const free = columns.filter(({ name, numeric }) => numeric && name !== data.target).map(({ name }) => name);
    chosen.replaceChildren(h("label", { class: "line" }, h("span", { t: "table.target" }), target), pairChooser(free, data.columns, (pair) => take(data.target ?? "", pair)));
  };
  store.on("state", (/** @type {PlayState} */ state) => {
    const data = state.document.data;
    if (data.name === "table" && data.csv && data.csv !== asked) {
      csv = asked = data.csv;
      store.do("columns", { csv });
    }
    show();
  });
  store.on("language", show);
  return h("div", { class: "group", "data-hide": "csv" }, button, file, chosen);
}

/**
 * All columns, or two of them.
 * @param {string[]} names @param {string[] | null} pair @param {(pair: string[] | null) => void} put
 */
export function pairChooser(names, pair, put) {
  const choose = (/** @type {number} */ place) => {
    const select = h("select", { "data-testid": `column-${place + 1}`, tLabel: `table.column.${place + 1}` }, h("option", { value: "" }, t("table.all")), ...names.map((name) => h("option", { value: name }, name)));
    select.value = pair?.[place] ?? "";
    select.addEventListener("change", () => {
      if (!select.value) return put(null);
      const other = pair?.[1 - place] ?? names.find((name) => name !== select.value) ?? "";
      const next = other === select.value ? names.find((name) => name !== select.value) ?? "" : other;
      put(place ? [next, select.value] : [select.value, next]);
    });
    return select;
  };
  return h("div", { class: "field", hidden: names.length < 2 }, h("span", { class: "label", t: "table.columns" }), h("span", { class: "two" }, choose(0), choose(1)));
}

/** The column that is most likely the target: one so named, else the last with few values, else the last. @param {ColumnInfo[]} columns */
function guess(columns) {
  const named = columns.find(({ name }) => /^(target|class|label|y|species|outcome)$/i.test(name));
  const few = columns.findLast(({ distinct, numeric }) => !numeric || distinct <= 10);
  return (named ?? few ?? columns[columns.length - 1])?.name ?? "";
}

/** @param {(file: File) => void} take */
function dropAnywhere(take) {
  const veil = h("div", { class: "veil", hidden: true }, h("p", { t: "table.drop" }));
  document.body.append(veil);
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (file && !file.name.endsWith(".json")) take(file);
  });
}
