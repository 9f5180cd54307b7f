/** What the page must not keep to itself: a lost server, a refused change, a network that diverged. */
import { h, setText, word } from "./dom.js";
import { iconButton } from "./fields.js";
import { icon } from "./icons.js";

/** @param {import("./store.js").Store} store */
export function banners(store) {
  const lostText = h("span");
  const lost = h("div", { class: "banner lost", role: "status", "data-testid": "connection", hidden: true }, icon("alert"), lostText);
  const errorText = h("span");
  const error = h("div", { class: "banner error", role: "alert", "data-testid": "error", hidden: true }, icon("alert"), errorText, iconButton("close", "close", () => (error.hidden = true), { class: "mini", size: 16 }));
  const divergedText = h("span");
  const diverged = h(
    "div",
    { class: "banner diverged", role: "alert", "data-testid": "diverged", hidden: true },
    icon("alert"),
    divergedText,
    h("button", { type: "button", t: "diverged.rewind", "data-testid": "diverged-rewind", onclick: () => store.do("rewind", { epoch: bestKept(store) }) }),
    h("button", { type: "button", t: "diverged.reset", "data-testid": "diverged-reset", onclick: () => store.do("reset", { seed: null }) }),
  );
  let met = false;
  store.on("link", ({ up, retry }) => {
    lost.hidden = up;
    met ||= up;
    const says = met ? "link.lost" : "link.never";
    if (!up) word(lostText, "t", retry === Infinity ? "link.idle" : says, { seconds: Math.round(retry * 10) / 10 });
  });
  store.on("error", (/** @type {{message?: string, key?: string, vars?: Record<string, any>}} */ { message, key, vars }) => {
    delete errorText.dataset.t;
    if (key) word(errorText, "t", key, vars);
    else setText(errorText, message ?? "");
    error.hidden = false;
  });
  store.on("document", () => (error.hidden = true));
  store.on("opening", () => (error.hidden = true));
  store.on("frame", (/** @type {Frame} */ { header }) => {
    diverged.hidden = !header.diverged;
    if (header.diverged) word(divergedText, "t", "diverged.says", { message: header.diverged });
  });
  return h("div", { class: "banners" }, lost, error, diverged);
}

/** The kept epoch of the smallest training loss, as far as the curve tells; else the first kept. @param {import("./store.js").Store} store */
function bestKept(store) {
  const { epoch, train_loss } = store.curves;
  const lossOf = (/** @type {number} */ one) => train_loss?.[epoch.indexOf(one)] ?? Infinity; // what is not finite comes as null
  const kept = store.frame?.header.kept ?? [];
  return kept.reduce((best, one) => (lossOf(one) < lossOf(best) ? one : best), kept[0] ?? 0);
}
