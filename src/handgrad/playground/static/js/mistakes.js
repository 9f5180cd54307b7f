/** Break it: plant a mistake that people really make in the backward pass, watch training, let the checker find it. */
import { h, word } from "./dom.js";
import { icon } from "./icons.js";
import { language, tOr } from "./words.js";

/** @param {import("./store.js").Store} store @param {() => void} prove */
export function mistakesPanel(store, prove) {
  const list = h("select", { size: 8, tLabel: "mistake.choose", "data-testid": "mistake-choice" });
  const story = h("p", { class: "story" });
  const misfit = h("p", { class: "hint", t: "mistake.misfit", hidden: true });
  const plant = h("button", { type: "button", class: "primary", t: "mistake.plant", "data-testid": "mistake-plant" });
  const mend = h("button", { type: "button", t: "mistake.mend", "data-testid": "mistake-mend", hidden: true });
  const takeOut = () => store.change((document) => (document.mistake = null));
  const check = h("button", { type: "button", t: "mistake.prove", "data-testid": "mistake-prove", onclick: prove });
  const saying = h("span");
  const out = h("button", { type: "button", t: "mistake.mend", "data-testid": "mistake-out", onclick: takeOut });
  const told = { class: "planted", role: "status", hidden: true, "data-testid": "mistake-planted", "data-hide": "mistake" };
  const now = h("p", told, icon("alert"), saying, out); // above the panel of each tab
  const actions = h("div", { class: "actions" }, plant, mend, check);
  const body = h("div", { class: "mistake-body" }, list, h("div", { class: "stack" }, story, misfit, actions));
  const panel = h("div", { "data-testid": "mistake-panel" }, h("p", { class: "hint", t: "mistake.intro" }), body);

  const tell = () => {
    const found = store.hello?.catalogue.mistakes.find(({ name }) => name === list.value);
    story.textContent = found ? tOr(`mistake.story.${found.name}`, found.story) : "";
    const fits = !found || (store.state?.mistakes?.includes(found.name) ?? true);
    misfit.hidden = fits;
    plant.disabled = !found || !fits || store.document?.mistake === found.name;
  };
  let filled = "";
  /** The mistakes that have a place in the network on screen, and the one that is planted. */
  const fill = () => {
    const { mistakes: fits } = store.state ?? {};
    const planted = store.document?.mistake ?? null;
    const known = store.hello?.catalogue.mistakes.filter(({ name }) => !fits || fits.includes(name) || name === planted) ?? [];
    const names = known.map(({ name }) => name);
    if (filled === [language, ...names].join()) return;
    filled = [language, ...names].join();
    const chosen = list.value;
    const causes = [...new Set(known.map(({ cause }) => cause ?? ""))];
    const entry = (/** @type {MistakeEntry} */ { name }) => h("option", { value: name }, name);
    list.replaceChildren(...causes.map((cause) => h("optgroup", { label: tOr(`cause.${cause}`, cause.replaceAll("-", " ")) }, ...known.filter((one) => (one.cause ?? "") === cause).map(entry))));
    list.value = planted ?? (names.includes(chosen) ? chosen : (names[0] ?? ""));
  };
  const refresh = () => {
    const planted = store.document?.mistake ?? null;
    mend.hidden = planted === null;
    now.hidden = planted === null;
    if (planted !== null) word(saying, "t", "mistake.now", { name: planted });
    document.body.classList.toggle("broken", planted !== null);
    fill();
    tell();
  };
  list.addEventListener("change", tell);
  plant.addEventListener("click", () => store.change((document) => (document.mistake = list.value)));
  mend.addEventListener("click", takeOut);
  store.on("hello", refresh);
  store.on("language", refresh);
  store.on("state", refresh);
  store.on("document", refresh);
  return { panel, now };
}
