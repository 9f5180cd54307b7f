/** The page's words: one JSON file per language, the same keys in each. English fills what a language lacks. */

export const LANGUAGES = { en: "English", de: "Deutsch" };
/** @type {Record<string, string>} */
let english = {};
/** @type {Record<string, string>} */
let words = {};
export let language = "en";

/** @param {string} name @returns {Promise<Record<string, string>>} */
async function load(name) {
  const answer = await fetch(new URL(`../words/${name}.json`, import.meta.url));
  return answer.ok ? answer.json() : {};
}

/** The language to begin with: the one chosen before, else the browser's, else English. */
export function preferred() {
  const kept = localStorage.getItem("handgrad.language");
  const wanted = [kept, ...navigator.languages].map((name) => (name ?? "").slice(0, 2));
  return wanted.find((name) => name in LANGUAGES) ?? "en";
}

/** @param {string} name */
export async function speak(name) {
  if (!Object.keys(english).length) english = await load("en");
  words = name === "en" ? english : await load(name);
  language = name;
  document.documentElement.lang = name;
}

/**
 * The words for a key, with {name} replaced from `vars`.
 * @param {string} key @param {Record<string, any>} [vars]
 */
export function t(key, vars = {}) {
  const text = words[key] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in vars ? String(vars[name]) : whole));
}

/** Words for a key if there are any, else the given text. @param {string} key @param {string} otherwise */
export function tOr(key, otherwise) {
  return words[key] ?? english[key] ?? otherwise;
}
