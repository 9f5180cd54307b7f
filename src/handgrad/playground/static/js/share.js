/** Share: a link that opens with these settings, and with the weights on screen where they fit into it. */
import { dialog } from "./dialog.js";
import { copyText, download, h, word } from "./dom.js";
import { icon } from "./icons.js";
import { difference, linkOf, LONGEST } from "./link.js";

/** @typedef {import("./store.js").Store} Store */

/** The document with the weights on screen, from the server. @param {Store} store @returns {Promise<any>} */
function withWeights(store) {
  return new Promise((resolve, reject) => {
    const offs = [
      store.on("file", (file) => {
        if (!file.name.endsWith(".json")) return;
        offs.forEach((off) => off());
        resolve(JSON.parse(new TextDecoder().decode(bytesOf(file.base64))));
      }),
      store.on("error", (error) => {
        offs.forEach((off) => off());
        reject(new Error(error.message));
      }),
    ];
    store.quiet += 1;
    store.do("export", { to: "document" });
  });
}

/** @param {string} base64 */
export const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** @param {Store} store */
export function shareButton(store) {
  return h("button", { type: "button", "data-testid": "share", "data-hide": "share", onclick: () => open(store) }, icon("share", 18), h("span", { t: "share" }));
}

/** @param {Store} store */
function open(store) {
  const weights = h("input", { type: "checkbox", checked: true, "data-testid": "share-weights" });
  const field = h("textarea", { rows: 4, readonly: true, class: "code", tLabel: "share.link", "data-testid": "share-link" });
  const note = h("p", { class: "hint", role: "status" });
  const copy = h("button", { type: "button", class: "primary", t: "share.copy", "data-testid": "share-copy" });
  const file = h("button", { type: "button", t: "share.file", "data-testid": "share-file", hidden: true });
  /** @type {any} */
  let full = null;
  const make = async () => {
    const plain = { ...store.document, start: null };
    try {
      full = weights.checked ? await withWeights(store) : plain;
    } catch {
      full = plain;
    }
    const short = difference(full, store.hello?.defaults);
    const link = await linkOf(short);
    const fits = link.length <= LONGEST;
    field.value = fits ? link : "";
    copy.disabled = !fits;
    file.hidden = fits;
    word(note, "t", fits ? "share.size" : "share.long", { characters: link.length, most: LONGEST });
  };
  weights.addEventListener("change", make);
  copy.addEventListener("click", async () => {
    await copyText(field.value);
    word(note, "t", "share.copied");
  });
  file.addEventListener("click", () => download("playground.json", new Blob([JSON.stringify(full)], { type: "application/json" })));
  dialog("share.title", [h("p", { class: "hint", t: "share.intro" }), h("label", { class: "check" }, weights, h("span", { t: "share.weights" })), field, note, h("div", { class: "actions" }, copy, file)], "share-dialog");
  make();
}
