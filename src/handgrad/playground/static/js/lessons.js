/** Lessons: a text, a state to begin from, and what to try; chosen in the head, shown above the network. */
import { h } from "./dom.js";
import { iconButton } from "./fields.js";
import { language, t } from "./words.js";

/** @typedef {{title: string, text: string | string[], try?: string[], document: object, [language: string]: any}} Lesson */

/** @param {import("./store.js").Store} store */
export function lessons(store) {
  const select = h("select", { "data-testid": "lesson", tLabel: "lesson.choose", "data-hide": "lesson" });
  const card = h("section", { class: "card lesson", "data-testid": "lesson-card", hidden: true });
  /** @type {Lesson | null} */
  let current = null;
  let name = "";

  const list = () => store.hello?.lessons ?? [];
  const fill = () => {
    select.replaceChildren(h("option", { value: "" }, t("lesson.none")), ...list().map((one) => h("option", { value: one.name }, one.title)));
    select.value = name;
    select.hidden = !list().length;
  };
  const draw = () => {
    card.hidden = !current;
    if (!current) return;
    const told = { ...current, ...(current[language] ?? {}) };
    const paragraphs = Array.isArray(told.text) ? told.text : String(told.text ?? "").split(/\n\s*\n/);
    const next = list()[list().findIndex((one) => one.name === name) + 1];
    card.replaceChildren(
      h("header", {}, h("h2", {}, told.title), iconButton("close", "lesson.close", () => choose(""), { class: "mini", size: 18 })),
      ...paragraphs.map((/** @type {string} */ text) => h("p", {}, text)),
      told.try?.length ? h("ul", {}, ...told.try.map((/** @type {string} */ text) => h("li", {}, text))) : h("span"),
      h("div", { class: "actions" }, h("button", { type: "button", t: "lesson.again", onclick: () => choose(name) }), next ? h("button", { type: "button", class: "primary", t: "lesson.next", vars: { title: next.title }, onclick: () => choose(next.name) }) : null),
    );
  };
  /** @param {string} wanted */
  const load = async (wanted) => {
    name = wanted;
    current = null;
    if (wanted) {
      const answer = await fetch(`lessons/${encodeURIComponent(wanted)}`);
      current = answer.ok ? await answer.json() : null;
    }
    select.value = current ? wanted : "";
    draw();
    return current;
  };
  /** @param {string} wanted */
  const choose = async (wanted) => {
    const found = await load(wanted);
    if (found) {
      const begin = /** @type {any} */ (found.document ?? {});
      store.open({ ...begin, view: { ...begin.view, lesson: wanted } });
    } else store.change(({ view }) => (view.lesson = null));
  };
  select.addEventListener("change", () => choose(select.value));
  store.on("hello", fill);
  store.on("language", () => (fill(), draw()));
  store.on("state", (/** @type {PlayState} */ state) => {
    const wanted = state.document.view.lesson ?? "";
    if (wanted !== name) load(wanted);
  });
  return { select, card };
}
