/** Share: a link that opens with these settings, and with the weights on screen where they fit into it. */
import { dialog } from "./dialog.js";
import { copyText, download, h, word } from "./dom.js";
import { icon } from "./icons.js";
import { difference, linkOf, LONGEST } from "./link.js";

/** @typedef {import("./store.js").Store} Store */

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
  let asked = 0; // a box that is ticked and unticked: the last counts
  const make = async () => {
    const mine = ++asked;
    const found = weights.checked ? await store.withWeights().catch(() => null) : null;
    if (mine !== asked) return;
    if (!found) weights.checked = false;
    full = found ?? { ...store.document, start: null };
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
