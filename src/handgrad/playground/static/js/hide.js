/** For teachers: controls that a shared address puts away. The list stands in the document's view, or in `?hide=a,b`. */
import { dialog } from "./dialog.js";
import { h } from "./dom.js";
import { iconButton } from "./fields.js";

const GROUPS = {
  transport: ["reset", "step", "step-batch", "rewind", "speed"],
  network: ["layers", "units", "activation", "freeze"],
  data: ["data", "regenerate", "noise", "n", "arms", "classes", "test-share", "standardise", "inputs", "brush", "csv"],
  settings: [
    ...["optimizer", "learning-rate", "batch-size", "schedule", "clip-norm", "epochs"],
    ...["init", "bias-init", "loss", "l2", "dropout", "norm", "residual", "seed"],
  ],
  rest: [
    ...["show-test", "curves", "log", "signals", "trace", "prove", "mistake", "compare"],
    ...["lesson", "share", "export", "hide-menu"],
  ],
};
const ASKED = (new URLSearchParams(location.search).get("hide") ?? "").split(",");

/** The controls that are put away, by the address or the document. @param {import("./store.js").Store} store */
export function putAway(store) {
  return [...ASKED, ...(store.document?.view.hide ?? [])].filter((name) => /^[\w-]+$/.test(name));
}

/** @param {import("./store.js").Store} store */
export function hideButton(store) {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const apply = () => {
    const rules = putAway(store).map((name) => `[data-hide="${name}"] { display: none !important; }`);
    sheet.replaceSync(rules.join("\n"));
  };
  store.on("document", apply);
  store.on("state", apply);
  apply();
  const open = () => {
    const box = (/** @type {string} */ name) => {
      const input = h("input", { type: "checkbox", checked: !store.document?.view.hide.includes(name), "data-testid": `show-${name}` });
      input.addEventListener("change", () =>
        store.change(({ view }) => {
          view.hide = view.hide.filter((one) => one !== name);
          if (!input.checked) view.hide.push(name);
        }),
      );
      return h("label", { class: "check" }, input, h("span", { t: `hide.${name}` }));
    };
    const fieldset = (/** @type {[string, string[]]} */ [group, names]) =>
      h("fieldset", {}, h("legend", { t: `hide.group.${group}` }), ...names.map(box));
    const groups = h("div", { class: "hide-groups" }, ...Object.entries(GROUPS).map(fieldset));
    dialog("hide.title", [h("p", { class: "hint", t: "hide.intro" }), groups], "hide-dialog");
  };
  return iconButton("eye", "hide.title", open, { "data-testid": "hide", "data-hide": "hide-menu" });
}
