/**
 * Building elements without a framework. Words are given by key (`t`, `tLabel`, `tTitle`, `tPlaceholder`)
 * and stay on the element, so that a change of language rewrites them in place.
 */
import { t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, string>} */
const WORDED = { t: "", tLabel: "aria-label", tTitle: "title", tPlaceholder: "placeholder" };

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  apply(element, attributes);
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  apply(element, attributes);
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** @param {Element} element @param {Record<string, any>} attributes */
function apply(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false || name === "vars") continue;
    if (name in WORDED) word(element, name, value, attributes.vars);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(/** @type {HTMLElement} */ (element).style, value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden" || name === "open") /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Puts words on an element by key and remembers the key.
 * @param {Element} element
 * @param {string} kind one of t, tLabel, tTitle, tPlaceholder
 * @param {string} key
 * @param {Record<string, any>} [vars]
 */
export function word(element, kind, key, vars) {
  const data = /** @type {HTMLElement} */ (element).dataset;
  data[kind] = key;
  if (vars) data[`${kind}Vars`] = JSON.stringify(vars);
  else delete data[`${kind}Vars`];
  const attribute = WORDED[kind];
  if (attribute) element.setAttribute(attribute, t(key, vars));
  else element.textContent = t(key, vars);
}

/** Rewrites every worded element under `root` in the language now chosen. @param {ParentNode} root */
export function reword(root) {
  for (const kind of Object.keys(WORDED)) {
    const attribute = `data-${kind.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
    for (const element of root.querySelectorAll(`[${attribute}]`)) {
      const data = /** @type {HTMLElement} */ (element).dataset;
      const vars = data[`${kind}Vars`];
      word(element, kind, data[kind] ?? "", vars ? JSON.parse(vars) : undefined);
    }
  }
}

/** Sets an element's text only where it differs: unchanged figures cost no layout. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const PRESSED = "[type=button], [type=checkbox], [type=radio], [type=range], [type=file]";

/** Whether keys that are pressed in this element write or choose something. @param {Element} element */
export function isTyped(element) {
  return element.matches(`input:not(${PRESSED}), textarea, select`) || /** @type {HTMLElement} */ (element).isContentEditable;
}

/**
 * Rebuilds a part of the page and gives the focus back to the control that had it.
 * @param {HTMLElement} root @param {() => void} rebuild
 */
export function keepFocus(root, rebuild) {
  const active = document.activeElement;
  const mark = active && root.contains(active) ? active.getAttribute("data-testid") : null;
  rebuild();
  if (mark) {
    const again = root.querySelector(`[data-testid="${CSS.escape(mark)}"]`);
    if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
  }
}

/** Puts a text on the clipboard; where the browser allows that to secure pages only, by the old way. @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h("textarea", { value: text, class: "visually-hidden" });
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

/** Offers a file to the reader. @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
