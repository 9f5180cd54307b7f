/** The doctor speaks when training is unwell; one may wave a finding away until the network changes. */
import { h, keepFocus, setText } from "./dom.js";
import { iconButton } from "./fields.js";
import { icon } from "./icons.js";
import { spaced } from "./rules.js";
import { language, t, tOr } from "./words.js";

const MOST = 4;

/** @param {Finding} found */
const nameOf = ({ slug, layer }) => {
  const name = tOr(`illness.${slug}`, spaced(slug.replaceAll("-", " ")));
  return layer ? `${name}, ${layer}` : name;
};
/** @param {Finding} found */
const markOf = ({ slug, layer }) => `${slug} ${layer}`;

/** @param {import("./store.js").Store} store */
export function doctor(store) {
  const list = h("div", { class: "findings" });
  const card = h("section", { class: "doctor", tLabel: "doctor.title", "data-testid": "doctor" }, list);
  const spoken = h("p", { class: "visually-hidden", role: "status" }); // the names alone: the figures change all the time
  document.body.append(spoken);
  /** @type {Set<string>} */
  const waved = new Set();
  /** @type {{card: HTMLElement, tell: (found: Finding) => void}[]} */
  let drawn = [];
  let shown = "";

  const refresh = () => {
    const findings = (store.doctor?.findings ?? []).filter((found) => !waved.has(markOf(found))).slice(0, MOST);
    const mark = [language, ...findings.map(markOf)].join();
    if (mark !== shown) {
      shown = mark;
      drawn = findings.map(finding);
      keepFocus(list, () => list.replaceChildren(...drawn.map((one) => one.card)));
      setText(spoken, findings.map(nameOf).join(". "));
    }
    findings.forEach((found, i) => drawn[i].tell(found));
  };
  /** @param {Finding} found */
  const finding = (found) => {
    const wave = () => {
      waved.add(markOf(found));
      refresh();
    };
    const evidence = h("p");
    const advice = h("p", { class: "advice" });
    const dismiss = { class: "mini", size: 16, "data-testid": `dismiss-${markOf(found)}` };
    return {
      card: h(
        "article",
        { class: "finding" },
        icon("alert"),
        h("div", {}, h("b", {}, nameOf(found)), evidence, advice),
        iconButton("close", "doctor.dismiss", wave, dismiss),
      ),
      tell: (/** @type {Finding} */ now) => {
        setText(evidence, `${now.evidence}.`);
        setText(advice, t("doctor.advice", { advice: now.advice }));
      },
    };
  };
  store.on("doctor", refresh);
  store.on("language", refresh);
  let network = "";
  store.on("state", (/** @type {PlayState} */ state) => {
    const now = JSON.stringify([state.document.data, state.document.network, state.document.seed, state.document.training]);
    if (now !== network) waved.clear();
    network = now;
    refresh();
  });
  return card;
}
