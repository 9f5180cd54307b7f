/** A table of one's own: a CSV file dropped anywhere on the page or chosen, then its target and its columns. */
import { h, keepFocus, word } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {{name: string, numeric: boolean, distinct: number}} ColumnInfo */

/** What a target's name holds as a word of its own, e.g. "price_eur". */
const TARGET = /^y$|(?<![a-z])(target|label|class|species|outcome|price|category)(?![a-z])/i;

/** @param {Store} store */
export function tableControls(store) {
  const file = h("input", { type: "file", accept: ".csv,text/csv,.tsv,.txt", hidden: true, "data-testid": "csv-file" });
  const pick = { type: "button", class: "wide", "data-testid": "csv", onclick: () => file.click() };
  const button = h("button", pick, icon("share", 18), h("span", { t: "table.open" }));
  const chosen = h("div", { class: "table-choice", hidden: true });
  /** @type {ColumnInfo[]} */
  let columns = [];
  /** the table whose columns they are */
  let csv = "";
  /** @type {{csv: string, file: string}[]} questions in the order of their answers; file: of a table just chosen, else "" */
  const asked = [];
  /** the file whose table the server has not taken yet */
  let offered = "";
  const refused = h("p", { class: "hint", role: "status", "data-testid": "table-refused", hidden: true });

  /** @param {string} text @param {string} file */
  const ask = (text, file) => {
    if (store.do("columns", { csv: text })) asked.push({ csv: text, file });
  };
  /** @param {File} found */
  const read = async (found) => ask(await found.text(), found.name);
  file.addEventListener("change", () => {
    if (file.files?.[0]) read(file.files[0]);
    file.value = "";
  });
  dropAnywhere((found) => read(found));
  addEventListener("table", (event) => read(/** @type {CustomEvent} */ (event).detail)); // chosen elsewhere on the page

  store.on("columns", (message) => {
    const question = asked.shift();
    if (!question) return;
    columns = message.columns;
    csv = question.csv;
    offered = question.file;
    if (offered) take(guess(columns), null);
    show();
  });
  store.on("error", ({ doing, message, key, vars }) => {
    const file = doing === "columns" ? asked.shift()?.file : store.document?.data.csv === csv ? "" : offered;
    if (file) {
      offered = "";
      word(refused, "t", "table.refused", { name: file, message: message ?? t(key, vars) });
      refused.hidden = false;
    }
    show();
  });
  store.on("link", () => (asked.length = 0));
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
    const options = columns.map(({ name }) => h("option", { value: name }, name));
    const target = h("select", { "data-testid": "target", tLabel: "table.target" }, ...options);
    target.value = data.target ?? "";
    target.addEventListener("change", () => take(target.value, data.columns?.includes(target.value) ? null : data.columns));
    const free = columns.filter(({ name, numeric }) => numeric && name !== data.target).map(({ name }) => name);
    const pair = pairChooser(free, data.columns, (two) => take(data.target ?? "", two));
    const predicted = h("label", { class: "line" }, h("span", { t: "table.target" }), target);
    keepFocus(chosen, () => chosen.replaceChildren(predicted, pair, ...omitted(store.state?.scene.left_out)));
  };
  store.on("state", (/** @type {PlayState} */ state) => {
    const data = state.document.data;
    refused.hidden = true;
    if (data.csv === csv) offered = "";
    if (data.name === "table" && data.csv && data.csv !== (asked.at(-1)?.csv ?? csv)) ask(data.csv, "");
    show();
  });
  store.on("language", show);
  return h("div", { class: "group", "data-hide": "csv" }, button, file, refused, chosen);
}

/** What of a table had to be left out, in words. @param {{columns: string[], rows: number} | undefined} left */
function omitted(left) {
  if (!left || (!left.columns.length && !left.rows)) return [];
  const hint = h("p", { class: "hint", "data-testid": "left-out" });
  const key = left.columns.length ? (left.rows ? "table.left.both" : "table.left.columns") : "table.left.rows";
  word(hint, "t", key, { columns: left.columns.join(", "), rows: left.rows });
  return [hint];
}

/**
 * All columns, or two of them.
 * @param {string[]} names @param {string[] | null} pair @param {(pair: string[] | null) => void} put
 */
export function pairChooser(names, pair, put) {
  const choose = (/** @type {number} */ place) => {
    const options = [h("option", { value: "" }, t("table.all")), ...names.map((name) => h("option", { value: name }, name))];
    const select = h("select", { "data-testid": `column-${place + 1}`, tLabel: `table.column.${place + 1}` }, ...options);
    select.value = pair?.[place] ?? "";
    select.addEventListener("change", () => {
      if (!select.value) return put(null);
      const other = pair?.[1 - place] ?? names.find((name) => name !== select.value) ?? "";
      const next = other === select.value ? names.find((name) => name !== select.value) ?? "" : other;
      put(place ? [next, select.value] : [select.value, next]);
    });
    return select;
  };
  const two = h("span", { class: "two" }, choose(0), choose(1));
  return h("div", { class: "field", hidden: names.length < 2 }, h("span", { class: "label", t: "table.columns" }), two);
}

/**
 * The column that is most likely the target: one so named, else the last.
 * @param {ColumnInfo[]} columns
 */
function guess(columns) {
  return (columns.find(({ name }) => TARGET.test(name)) ?? columns.at(-1))?.name ?? "";
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
