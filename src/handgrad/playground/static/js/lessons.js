/** Lessons: a text, a state to begin from, and what to try; chosen in the head, shown above the network. */
import { h, word } from "./dom.js";
import { iconButton } from "./fields.js";
import { figure } from "./figures.js";
import { icon } from "./icons.js";
import { language, t } from "./words.js";

/** @typedef {{text: string, document?: any, do?: {do: string, [name: string]: any}, expect?: any}} Trial */
/** @typedef {{title: string, text: string[], document: any, try: Trial[], more: string[], [language: string]: any}} Lesson */

const SECTIONS = ["data", "network", "training", "view"];
const BOUNDED = ["train_loss", "test_loss", "train_metric", "test_metric"];

/** Plain text with code between backticks. @param {string} text */
const told = (text) => text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));

/** The lesson's document with a trial's laid over it, section by section. @param {Lesson} lesson @param {Trial | null} trial @param {string} name */
export function opened(lesson, trial, name) {
  const document = { ...lesson.document };
  for (const [key, value] of Object.entries(trial?.document ?? {})) document[key] = SECTIONS.includes(key) ? { ...document[key], ...value } : value;
  return { ...document, view: { ...document.view, lesson: name } };
}

/** @param {string} name @returns {Promise<Lesson | null>} */
export async function fetchLesson(name) {
  const answer = await fetch(`lessons/${encodeURIComponent(name)}`);
  return answer.ok ? answer.json() : null;
}

/** @param {import("./store.js").Store} store @param {(message: {do: string, [name: string]: any}) => void} perform */
export function lessons(store, perform) {
  const select = h("select", { "data-testid": "lesson", tLabel: "lesson.choose", "data-hide": "lesson" });
  const card = h("section", { class: "card lesson", "data-testid": "lesson-card", hidden: true });
  /** @type {Lesson | null} */
  let current = null;
  let name = "";
  /** @type {{trial: Trial, mark: HTMLElement} | null} the one that is being tried */
  let trying = null;

  const list = () => store.hello?.lessons ?? [];
  const titled = (/** @type {Record<string, string>} */ one) => one[language] ?? one.title;
  const fill = () => {
    select.replaceChildren(h("option", { value: "" }, t("lesson.none")), ...list().map((one) => h("option", { value: one.name }, titled(one))));
    select.value = name;
    select.hidden = !list().length;
  };
  const draw = () => {
    trying = null;
    card.hidden = !current;
    if (!current) return;
    const lesson = current;
    const here = lesson[language] ?? {};
    const next = list()[list().findIndex((one) => one.name === name) + 1];
    card.replaceChildren(
      h("header", {}, h("h2", {}, here.title ?? lesson.title), iconButton("close", "lesson.close", () => choose(""), { class: "mini", size: 18 })),
      ...(here.text ?? lesson.text).map((/** @type {string} */ text) => h("p", {}, ...told(text))),
      h("ol", {}, ...lesson.try.map((trial, i) => tried(lesson, trial, i, here.try?.[i] ?? trial.text))),
      ...(here.more ?? lesson.more ?? []).map((/** @type {string} */ text) => h("p", { class: "hint" }, ...told(text))),
      h("div", { class: "actions" }, h("button", { type: "button", t: "lesson.again", onclick: () => choose(name) }), next ? h("button", { type: "button", t: "lesson.next", vars: { title: titled(next) }, onclick: () => choose(next.name) }) : null),
    );
  };
  /** @param {Lesson} lesson @param {Trial} trial @param {number} i @param {string} text */
  const tried = (lesson, trial, i, text) => {
    const mark = h("span", { class: "outcome", role: "status" });
    const go = () => {
      trying = { trial, mark };
      mark.replaceChildren();
      const off = store.on("state", () => {
        off();
        if (trial.do) perform(trial.do);
      });
      store.open(opened(lesson, trial, name));
    };
    const button = trial.do || trial.document ? h("button", { type: "button", t: "lesson.try", "data-testid": `lesson-try-${i}`, onclick: go }) : null;
    return h("li", {}, h("div", {}, ...told(text)), h("div", { class: "actions" }, button, mark));
  };

  /** Says what came of a trial once it has run as far as its text speaks of. */
  const watch = (/** @type {Frame} */ { header }) => {
    const expect = trying?.trial.expect;
    if (!trying || !expect || trying.mark.hasChildNodes() || !BOUNDED.some((one) => one in expect)) return;
    if (header.epoch !== (expect.epochs ?? 0) || (header.running && header.epoch === 0)) return;
    const bounds = BOUNDED.filter((one) => one in expect);
    const good = bounds.every((one) => within(header.metrics[one], expect[one]));
    const says = h("span");
    word(says, "t", good ? "lesson.came" : "lesson.differs", { figures: bounds.map((one) => `${t(`lesson.${one}`)} ${figure(header.metrics[one])}`).join(", ") });
    trying.mark.className = good ? "outcome good" : "outcome";
    trying.mark.replaceChildren(icon(good ? "check" : "alert", 18), says);
  };

  /** @param {string} wanted */
  const load = async (wanted) => {
    name = wanted;
    current = null;
    if (wanted) {
      const found = await fetchLesson(wanted);
      if (name !== wanted) return null;
      current = found;
    }
    select.value = current ? wanted : "";
    draw();
    return current;
  };
  /** @param {string} wanted */
  const choose = async (wanted) => {
    const found = await load(wanted);
    if (found) store.open(opened(found, null, wanted));
    else store.change(({ view }) => (view.lesson = null));
  };
  select.addEventListener("change", () => choose(select.value));
  store.on("hello", fill);
  store.on("language", () => (fill(), draw()));
  store.on("frame", watch);
  store.on("state", (/** @type {PlayState} */ state) => {
    const wanted = state.document.view.lesson ?? "";
    if (wanted !== name) load(wanted);
  });
  return { select, card };
}

/** @param {number | null} value @param {[number | null, number | null]} bounds */
function within(value, [low, high]) {
  return value !== null && (low === null || value >= low) && (high === null || value <= high);
}
