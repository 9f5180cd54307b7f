/** A dialog in the middle of the page, with the browser's own focus keeping. */
import { h } from "./dom.js";
import { iconButton } from "./fields.js";

/** @param {string} key its title's words @param {(Node | null)[]} content @param {string} testid */
export function dialog(key, content, testid) {
  const element = h("dialog", { tLabel: key, "data-testid": testid }, h("header", {}, h("h2", { t: key }), iconButton("close", "close", () => element.close(), { class: "mini", size: 18 })), ...content);
  document.body.append(element);
  element.addEventListener("close", () => element.remove());
  element.addEventListener("click", (event) => event.target === element && element.close());
  element.showModal();
  return element;
}
