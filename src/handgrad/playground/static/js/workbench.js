/** The workbench below the network: signals, trace, proof, mistakes and comparisons, one tab each. */
import { h } from "./dom.js";
import { comparePanel } from "./compare.js";
import { putAway } from "./hide.js";
import { mistakesPanel } from "./mistakes.js";
import { proofPanel } from "./proof.js";
import { signalsPanel } from "./signals.js";
import { tracePanel } from "./trace.js";

/** @param {import("./store.js").Store} store */
export function workbench(store) {
  let current = "signals";
  const signals = signalsPanel(store, () => current === "signals");
  const trace = tracePanel(store, () => current === "trace");
  const proof = proofPanel(store);
  const mistakes = mistakesPanel(store, () => (open("prove"), tabs.get("prove")?.focus()));
  const compare = comparePanel(store);
  /** @type {Record<string, {panel: HTMLElement, opened?: () => void}>} */
  const panels = {
    signals: { panel: signals.panel, opened: signals.refresh },
    trace: { panel: trace.panel, opened: trace.opened },
    prove: { panel: proof.panel, opened: proof.go },
    mistake: { panel: mistakes.panel },
    compare: { panel: compare.panel },
  };
  const names = Object.keys(panels);
  /** @type {Map<string, HTMLButtonElement>} */
  const tabs = new Map();
  for (const name of names) {
    const { panel } = panels[name];
    const named = { t: `tab.${name}`, "data-testid": name, "data-hide": name, onclick: () => open(name) };
    tabs.set(name, h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, ...named }));
    Object.assign(panel, { id: `panel-${name}`, hidden: true });
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${name}`);
    panel.dataset.hide = name;
  }
  /** The tabs that no teacher has put away. */
  const shown = () => {
    const away = putAway(store);
    return names.filter((name) => !away.includes(name));
  };
  const bar = h("div", { class: "tabs", role: "tablist", tLabel: "workbench.title" }, ...tabs.values());
  bar.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const there = shown();
    const next = there[(there.indexOf(current) + move + there.length) % there.length];
    select(next);
    tabs.get(next)?.focus();
  });
  /** @param {string} name */
  const select = (name) => {
    current = name;
    for (const [one, tab] of tabs) {
      tab.setAttribute("aria-selected", String(one === name));
      tab.tabIndex = one === name ? 0 : -1;
      panels[one].panel.hidden = one !== name;
    }
  };
  /** @param {string} name */
  const open = (name) => {
    if (!shown().includes(name)) return;
    select(name);
    panels[name].opened?.();
  };
  /** Where the tab in front has been put away, the first of the others comes forward. */
  const settle = () => {
    const there = shown();
    card.hidden = !there.length;
    if (!there.length || there.includes(current)) return;
    select(there[0]);
    signals.refresh();
  };
  const all = names.map((name) => panels[name].panel);
  const card = h("section", { class: "card workbench", "data-testid": "workbench" }, bar, mistakes.now, ...all);
  select(current);
  settle();
  store.on("document", settle);
  store.on("state", settle);
  store.on("selection", () => {
    if (!shown().includes("trace")) return;
    const first = current !== "trace";
    select("trace");
    trace.ask();
    if (first) card.scrollIntoView({ block: "nearest" });
  });
  /** Does what a lesson asks for, with its tab in front. @param {{do: string, [name: string]: any}} message */
  const perform = (message) => {
    if (message.do === "trace") store.select(message.row ?? 0, message.part ?? "train");
    else if (message.do === "prove") open("prove");
    else if (message.do === "compare") {
      select("compare");
      compare.begin(message);
    } else store.do(message.do, message);
  };
  return { card, perform };
}
