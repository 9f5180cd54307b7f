/** Prove it: the gradient checker on the network on screen, with a number for every parameter. */
import { h, setText, word } from "./dom.js";
import { figure } from "./figures.js";
import { exact } from "./matrix.js";
import { icon } from "./icons.js";
import { tOr } from "./words.js";

const BEST = 1e-14; // the ends of the logarithmic bars
const WORST = 1;

/** @param {number | null} error */
const errorWidth = (error) => (error && error > 0 ? Math.max(0.02, Math.min(1, Math.log(error / BEST) / Math.log(WORST / BEST))) : 0.02);

/** @param {import("./store.js").Store} store */
export function proofPanel(store) {
  const button = h("button", { type: "button", class: "primary", t: "proof.go", "data-testid": "prove-go" });
  const stop = h("button", { type: "button", t: "stop", hidden: true, onclick: () => (store.do("stop"), done()) });
  const wait = h("span", { class: "hint", role: "status" });
  const report = h("div", { class: "proof", "data-testid": "proof" });
  const panel = h("div", {}, h("p", { class: "hint", t: "proof.intro" }), h("div", { class: "actions" }, button, stop, wait), report);
  let at = { epoch: 0, batch: 0 }; // what was asked for
  const go = () => {
    if (!store.do("prove")) return;
    at = store.frame?.header ?? at;
    word(wait, "t", "proof.busy");
    stop.hidden = false;
  };
  button.addEventListener("click", go);
  const done = () => {
    stop.hidden = true;
    delete wait.dataset.t;
    setText(wait, "");
  };
  store.on("proof", (/** @type {Proof} */ proof) => {
    if (proof.finished === false) return;
    done();
    report.replaceChildren(...draw(proof));
  });
  store.on("error", ({ doing }) => (!doing || doing === "prove") && done());
  store.on("link", done);
  store.on("opening", () => {
    report.replaceChildren();
    done();
  });
  const age = () => {
    if (report.hasChildNodes() && stop.hidden) word(wait, "t", "proof.stale");
  };
  store.on("state", age);
  store.on("frame", (/** @type {Frame} */ { header }) => {
    if (header.epoch !== at.epoch || header.batch !== at.batch || header.legs) age();
  });
  return { panel, go };
}

/** A saying of the checker, "parameters: cause: evidence", the cause in the reader's language. @param {string} saying */
function sentence(saying) {
  const [parameters, cause, ...evidence] = saying.split(": ");
  if (!evidence.length) return [h("p", {}, saying)];
  return [h("b", {}, tOr(`cause.${cause}`, cause.replaceAll("-", " "))), h("p", { class: "code" }, parameters), h("p", {}, `${evidence.join(": ")}.`)];
}

/** @param {Proof} proof */
function draw(proof) {
  const good = /pass/i.test(proof.verdict);
  const badge = h("p", { class: good ? "verdict good" : "verdict bad", "data-testid": "verdict", "data-verdict": proof.verdict }, icon(good ? "check" : "alert"), h("span", { t: good ? "proof.passed" : "proof.failed" }));
  const rows = proof.rows.map((row) => {
    const fine = /^(ok|pass)/i.test(row.verdict);
    const width = `${100 * errorWidth(row.relative_error)}%`;
    const more = /** @type {any} */ (row);
    return h("tr", { class: fine ? "" : "bad" }, h("th", { scope: "row", class: "code" }, row.name), h("td", { class: "number" }, String(more.entries ?? "")), h("td", { class: "number" }, exact(more.analytic ?? null)), h("td", { class: "number" }, exact(more.numeric ?? null)), h("td", { class: "number" }, h("span", { class: fine ? "bar move" : "bar warn" }, h("i", { class: "fill", style: { width } })), h("span", {}, figure(row.relative_error, 2))), h("td", {}, tOr(`proof.verdict.${row.verdict}`, row.verdict)));
  });
  const names = ["parameter", "entries", "analytic", "numeric", "error", "verdict"];
  const table = h("div", { class: "wide-scroll", tabindex: 0, role: "group", tLabel: "tab.prove" }, h("table", { class: "signals" }, h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col", t: `proof.${name}` })))), h("tbody", {}, ...rows)));
  const told = proof.sayings?.length ? proof.sayings : proof.findings.map(({ parameter, cause, evidence }) => `${parameter}: ${cause}: ${evidence}`);
  const findings = told.map((saying) => h("article", { class: "finding" }, icon("alert"), h("div", {}, ...sentence(saying))));
  return [badge, h("p", { class: "code headline" }, proof.headline), ...findings, table, h("details", {}, h("summary", { t: "proof.text" }), h("pre", { class: "code" }, proof.text))];
}
