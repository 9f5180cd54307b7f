/** The head of the page: the name, lessons, sharing and exporting, language and theme. */
import { h } from "./dom.js";
import { iconButton } from "./fields.js";
import { toggleTheme } from "./theme.js";
import { LANGUAGES, language, speak } from "./words.js";

/** @param {import("./store.js").Store} store @param {...(Node | null)} actions */
export function topbar(store, ...actions) {
  const languages = h("select", { "data-testid": "language", tLabel: "language" }, ...Object.entries(LANGUAGES).map(([name, text]) => h("option", { value: name, lang: name }, text)));
  languages.value = language;
  languages.addEventListener("change", async () => {
    localStorage.setItem("handgrad.language", languages.value);
    await speak(languages.value);
    store.tell("language");
  });
  const theme = iconButton("theme", "theme", () => (toggleTheme(), store.tell("theme")), { "data-testid": "theme" });
  return h(
    "header",
    { class: "topbar" },
    h("a", { class: "skip", href: "#network", t: "skip" }),
    h("h1", {}, h("img", { src: "icon.svg", alt: "", width: 26, height: 26 }), h("span", {}, h("b", {}, "handgrad"), " ", h("span", { t: "title" }))),
    h("div", { class: "actions" }, ...actions, languages, theme),
  );
}
