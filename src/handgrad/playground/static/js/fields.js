/** Form controls bound to the document: each reads its value from it and writes a change back. */
import { h, setText, word } from "./dom.js";
import { readNumber, typed } from "./figures.js";
import { icon } from "./icons.js";

/** @typedef {import("./store.js").Store} Store */
/**
 * @typedef {object} FieldOptions
 * @property {string} key the label's words
 * @property {string} name testid and the name by which it can be hidden
 * @property {(document: PlayDocument) => any} read
 * @property {(document: PlayDocument, value: any) => void} write
 * @property {(document: PlayDocument) => boolean} [shown]
 * @property {Record<string, any>} [vars]
 */

let count = 0;

/** @param {FieldOptions} options @param {(id: string) => (Node | null)[]} inside @param {string} [kind] */
function frame(options, inside, kind = "") {
  const id = `field-${++count}`;
  const label = h("label", { for: id, t: options.key, vars: options.vars });
  return h("div", { class: `field ${kind}`, "data-hide": options.name }, label, ...inside(id));
}

/**
 * Shows the document's value; what somebody is typing is left alone until the server refuses it.
 * @param {Store} store @param {HTMLElement} element @param {FieldOptions} options
 * @param {(value: any, refused: boolean) => void} show
 */
function bind(store, element, options, show) {
  const refresh = (refused = false) => {
    const document = store.document;
    if (!document) return;
    element.hidden = options.shown ? !options.shown(document) : false;
    if (!element.hidden) show(options.read(document), refused);
  };
  store.on("document", () => refresh());
  store.on("state", () => refresh());
  store.on("error", ({ doing }) => doing === "change" && refresh(true));
  refresh();
  return element;
}

/**
 * A slider with its value beside it.
 * @param {Store} store
 * @param {FieldOptions & {min: number, max: number, step: number, format?: (value: number) => string}} options
 */
export function slider(store, options) {
  const input = h("input", { type: "range", min: options.min, max: options.max, step: options.step, "data-testid": options.name });
  const shown = h("span", { class: "value" });
  const format = options.format ?? typed;
  input.addEventListener("input", () => {
    setText(shown, format(Number(input.value)));
    store.change((document) => options.write(document, Number(input.value)));
  });
  const element = frame(options, (id) => ((input.id = id), [shown, input]), "slider");
  return bind(store, element, options, (value, refused) => {
    if (refused || document.activeElement !== input || !input.matches(":active")) input.value = String(value ?? options.min);
    setText(shown, value === null || value === undefined ? "–" : format(Number(value)));
  });
}

/**
 * A number typed freely, or stepped along a ladder of usual values.
 * @param {Store} store
 * @param {FieldOptions & {ladder?: number[], nullable?: boolean, whole?: boolean, placeholder?: string}} options
 */
export function number(store, options) {
  const plain = { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false" };
  const input = h("input", { ...plain, "data-testid": options.name, tPlaceholder: options.placeholder });
  const put = (/** @type {number | null} */ value) => store.change((document) => options.write(document, value));
  const commit = () => {
    const value = input.value.trim() === "" ? null : readNumber(input.value);
    const bad = value === null ? !options.nullable : !Number.isFinite(value) || (options.whole && !Number.isInteger(value));
    input.setAttribute("aria-invalid", String(Boolean(bad)));
    if (!bad && store.document && value !== options.read(store.document)) put(value);
  };
  /** @param {any} value */
  const show = (value) => {
    input.value = String(value ?? ""); // all of its digits: a seed has up to ten
    input.setAttribute("aria-invalid", "false");
  };
  input.addEventListener("change", commit);
  input.addEventListener("blur", () => store.document && show(options.read(store.document)));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") commit();
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      move(event.key === "ArrowUp" ? 1 : -1);
    }
  });
  /** @param {number} direction */
  const move = (direction) => {
    const ladder = options.ladder ?? [];
    const now = store.document ? options.read(store.document) : null;
    const from = now ?? (direction > 0 ? -Infinity : Infinity);
    const up = () => ladder.find((rung) => rung > from * (1 + 1e-9));
    const down = () => ladder.findLast((rung) => rung < from * (1 - 1e-9));
    const next = direction > 0 ? up() : down();
    if (next === undefined) return;
    put(next);
    show(next);
  };
  /** @param {number} direction @param {"minus" | "plus"} sign @param {string} key */
  const nudge = (direction, sign, key) => {
    const button = h("button", { type: "button", class: "nudge", tabindex: "-1", onclick: () => move(direction) }, icon(sign, 14));
    word(button, "tLabel", key);
    return button;
  };
  const element = frame(options, (id) => {
    input.id = id;
    const parts = options.ladder ? [nudge(-1, "minus", "field.less"), input, nudge(1, "plus", "field.more")] : [input];
    return [h("span", { class: options.ladder ? "stepper" : "plain" }, ...parts)];
  });
  return bind(store, element, options, (value, refused) => {
    if (refused || document.activeElement !== input) show(value);
  });
}

/**
 * A chooser. The entries may depend on the state.
 * @param {Store} store
 * @param {FieldOptions & {entries: () => {value: string, text: string, disabled?: boolean, title?: string}[]}} options
 */
export function chooser(store, options) {
  const select = h("select", { "data-testid": options.name });
  select.addEventListener("change", () => store.change((document) => options.write(document, select.value)));
  const element = frame(options, (id) => ((select.id = id), [select]));
  let before = "";
  const fill = (/** @type {any} */ value) => {
    const entries = options.entries();
    const mark = JSON.stringify(entries);
    if (mark !== before) {
      before = mark;
      select.replaceChildren(...entries.map(({ text, ...rest }) => h("option", rest, text)));
    }
    select.value = String(value ?? "");
  };
  store.on("language", () => store.document && fill(options.read(store.document)));
  return bind(store, element, options, fill);
}

/** A tick. @param {Store} store @param {FieldOptions} options */
export function tick(store, options) {
  const input = h("input", { type: "checkbox", "data-testid": options.name });
  input.addEventListener("change", () => store.change((document) => options.write(document, input.checked)));
  const words = h("span", { t: options.key, vars: options.vars });
  const element = h("div", { class: "field tick", "data-hide": options.name }, h("label", {}, input, words));
  return bind(store, element, options, (value) => (input.checked = Boolean(value)));
}

/**
 * A round or plain button with an icon, named by words.
 * @param {import("./icons.js").IconName} name @param {string} key @param {() => void} action @param {Record<string, any>} [rest]
 */
export function iconButton(name, key, action, rest = {}) {
  const { size = 20, class: extra = "", ...attributes } = rest;
  const usual = { type: "button", tLabel: key, tTitle: key, onclick: action };
  return h("button", { ...usual, ...attributes, class: `icon-button ${extra}` }, icon(name, size));
}
