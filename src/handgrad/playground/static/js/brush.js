/**
 * Drawing points: they become a table of the document. It begins with the points on screen, so that one may add an
 * outlier to the moons; a clear sheet is one button away.
 */
import { classColour } from "./colours.js";
import { h, word } from "./dom.js";
import { icon } from "./icons.js";

const CLASSES = 4;
const APART = 9; // pixels between two points of one stroke
const REACH = 12; // of the eraser, in pixels

/** @typedef {{x: number, y: number, label: number}} Point */

/** @param {string} text */
const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
/** @param {number} value */
const rounded = (value) => String(Number(value.toPrecision(6)));

export class Brush {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.on = false;
    this.label = 0;
    this.erasing = false;
    /** @type {Point[] | null} */
    this.points = null;
    this.sent = "";
    /** @type {{x: number, y: number} | null} in pixels */
    this.before = null;
    /** @type {(() => void)[]} */
    this.listeners = [];
    store.on("state", (/** @type {PlayState} */ state) => {
      if (this.on && !this.possible()) this.toggle(false);
      else if (this.on && state.document.data.csv !== this.sent) this.load();
      this.tell();
    });
  }

  active = () => this.on;
  drawn = () => (this.on ? this.points : null);

  /** Whether points can be drawn on what is shown. */
  possible() {
    const scene = this.store.state?.scene;
    if (!scene) return false;
    const columns = scene.columns?.length ?? (scene.kind === "plane" ? 2 : 1);
    return scene.kind === "curve" || (scene.kind === "plane" && columns === 2 && scene.classes !== null);
  }

  /** @param {() => void} listener */
  onChange(listener) {
    this.listeners.push(listener);
  }
  tell() {
    for (const listener of this.listeners) listener();
  }

  /** @param {boolean} on */
  toggle(on) {
    this.on = on && this.possible();
    if (this.on) {
      this.load();
      document.querySelector(".plane-frame")?.scrollIntoView({ block: "nearest" });
    }
    this.tell();
  }

  load() {
    const scene = this.store.state?.scene;
    if (!scene) return;
    this.points = [scene.train, scene.test].flatMap((part) => part.points.map(([x, y], i) => ({ x, y, label: scene.classes ? part.y[i] : 0 })));
    this.sent = this.store.state?.document.data.csv ?? "";
  }

  /** @param {number} x @param {number} y @param {import("./plane-view.js").View} view @param {boolean} first */
  paint(x, y, view, first) {
    const px = view.toX(x);
    const py = view.toY(y);
    if (first) this.before = null;
    this.points ??= [];
    if (this.erasing) {
      this.points = this.points.filter((point) => (view.toX(point.x) - px) ** 2 + (view.toY(point.y) - py) ** 2 > REACH * REACH);
    } else if (!this.before || (this.before.x - px) ** 2 + (this.before.y - py) ** 2 > APART * APART) {
      this.points.push({ x, y, label: this.label });
      this.before = { x: px, y: py };
    }
  }

  clear() {
    this.points = [];
    this.tell();
  }

  /** A stroke is over: the points go to the server as a table. */
  lift() {
    const scene = this.store.state?.scene;
    if (!scene || !this.points?.length) return;
    const [first, second] = scene.kind === "curve" ? scene.axes : ["x1", "x2"];
    const names = scene.classes ?? [];
    const rows = this.points.map(({ x, y, label }) => (scene.kind === "curve" ? `${rounded(x)},${rounded(y)}` : `${rounded(x)},${rounded(y)},${cell(names[label] ?? String(label))}`));
    const csv = [scene.kind === "curve" ? `${cell(first)},${cell(second)}` : `${first},${second},class`, ...rows, ""].join("\n");
    this.sent = csv;
    this.store.change(({ data }) => {
      const { test, seed } = data;
      for (const name of Object.keys(data)) data[name] = null;
      Object.assign(data, { name: "table", csv, target: scene.kind === "curve" ? second : "class", task: scene.kind === "curve" ? "regress" : "classify", standardise: false, test, seed });
    });
  }
}

/** The brush's controls in the data panel. @param {import("./store.js").Store} store @param {Brush} brush */
export function brushControls(store, brush) {
  const label = h("span", { t: "brush.start" });
  const toggle = h("button", { type: "button", class: "wide", "data-testid": "brush", "aria-pressed": "false", onclick: () => brush.toggle(!brush.on) }, icon("brush", 18), label);
  const classes = h("span", { class: "classes", role: "radiogroup", tLabel: "brush.class" });
  const erase = h("button", { type: "button", class: "chip", "data-testid": "erase", "aria-pressed": "false", onclick: () => ((brush.erasing = !brush.erasing), brush.tell()) }, icon("erase", 16), h("span", { t: "brush.erase" }));
  const clear = h("button", { type: "button", class: "chip", t: "brush.clear", "data-testid": "clear-points", onclick: () => brush.clear() });
  const tools = h("div", { class: "brush-tools", hidden: true }, classes, erase, clear, h("p", { class: "hint", t: "brush.hint" }));

  const refresh = () => {
    toggle.disabled = !brush.possible();
    toggle.setAttribute("aria-pressed", String(brush.on));
    word(label, "t", brush.on ? "brush.stop" : "brush.start");
    tools.hidden = !brush.on;
    erase.setAttribute("aria-pressed", String(brush.erasing));
    const scene = store.state?.scene;
    const count = scene?.classes ? Math.max(CLASSES, scene.classes.length) : 0;
    classes.hidden = !count;
    classes.replaceChildren(
      ...Array.from({ length: Math.min(10, count) }, (_, i) => {
        const chosen = brush.label === i && !brush.erasing;
        const swatch = h("button", { type: "button", class: "swatch", role: "radio", "aria-checked": String(chosen), "aria-label": scene?.classes?.[i] ?? String(i), "data-testid": `brush-class-${i}`, style: { backgroundColor: classColour(i) } });
        swatch.addEventListener("click", () => {
          brush.label = i;
          brush.erasing = false;
          brush.tell();
          classes.querySelectorAll("button")[i]?.focus();
        });
        return swatch;
      }),
    );
  };
  brush.onChange(refresh);
  store.on("theme", refresh);
  refresh();
  return h("div", { class: "group", "data-hide": "brush" }, toggle, tools);
}
