/** The doctor speaks when training is unwell; one may wave a finding away until the network changes. */
import { h } from "./dom.js";
import { iconButton } from "./fields.js";
import { icon } from "./icons.js";
import { spaced } from "./rules.js";
import { t, tOr } from "./words.js";

/** @param {import("./store.js").Store} store */
export function doctor(store) {
  const list = h("div", { class: "findings" });
  const card = h("section", { class: "doctor", tLabel: "doctor.title", role: "status", "aria-live": "polite", "data-testid": "doctor" }, list);
  /** @type {Set<string>} */
  const waved = new Set();
  let shown = "";

  const refresh = () => {
    const findings = (store.doctor?.findings ?? []).filter((finding) => !waved.has(`${finding.slug} ${finding.layer}`)).slice(0, 4);
    const mark = JSON.stringify([findings.map(({ slug, layer, evidence }) => [slug, layer, evidence]), document.documentElement.lang]);
    if (mark === shown) return;
    shown = mark;
    list.replaceChildren(...findings.map(finding));
  };
  /** @param {Finding} found */
  const finding = (found) => {
    const wave = () => {
      waved.add(`${found.slug} ${found.layer}`);
      refresh();
    };
    const name = tOr(`illness.${found.slug}`, spaced(found.slug.replaceAll("-", " ")));
    return h(
      "article",
      { class: "finding" },
      icon("alert"),
      h("div", {}, h("b", {}, found.layer ? `${name}, ${found.layer}` : name), h("p", {}, `${found.evidence}.`), h("p", { class: "advice" }, t("doctor.advice", { advice: found.advice }))),
      iconButton("close", "doctor.dismiss", wave, { class: "mini", size: 16 }),
    );
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
