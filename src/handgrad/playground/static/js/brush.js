/**
 * Drawing points: they become a table of the document. It begins with the points on screen, so that one may add an
 * outlier to the moons; a clear sheet is one button away.
 */
import { classColour } from "./colours.js";
import { h, keepFocus, word } from "./dom.js";
import { icon } from "./icons.js";

const CLASSES = 4;
const MOST = 10; // as many classes as there are colours
const APART = 9; // pixels between two points of one stroke
const REACH = 12; // of the eraser, in pixels

/** @typedef {{x: number, y: number, name: string}} Point of a class by its name: its number changes with the others */

/** @param {string} text */
const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
/** @param {number} value */
const rounded = (value) => String(Number(value.toPrecision(6)));

export class Brush {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.on = false;
    /** the class that is drawn */
    this.name = "";
    this.erasing = false;
    /** @type {Point[] | null} */
    this.points = null;
    this.sent = "";
    /** @type {string | null} the data that the server has while the points are not sent: they are too few */
    this.kept = null;
    /** @type {{x: number, y: number} | null} in pixels */
    this.before = null;
    /** @type {(() => void)[]} */
    this.listeners = [];
    store.on("state", () => {
      if (this.on && !this.possible()) this.toggle(false);
      else if (this.on && this.outdated()) this.load();
      this.tell();
    });
  }

  /** Whether the page's data are others than those that the points stand for. */
  outdated() {
    if (this.kept !== null) return this.kept !== this.known();
    return this.store.document?.data.csv !== this.sent; // a newer stroke may wait in the store
  }

  /** The page's data as a text. */
  known() {
    const given = Object.entries(this.store.document?.data ?? {}).filter(([, value]) => value !== null);
    return JSON.stringify(given.sort());
  }

  active = () => this.on;
  /** The points as the plane paints them. */
  drawn = () => {
    if (!this.on || !this.points) return null;
    const names = this.classes();
    return this.points.map(({ x, y, name }) => ({ x, y, label: Math.max(0, names.indexOf(name)) }));
  };

  /** The classes that can be drawn: those of the scene, and new ones where they are few. @returns {string[]} */
  classes() {
    const known = this.store.state?.scene.classes;
    if (!known) return [];
    const names = [...known];
    for (let i = 0; names.length < CLASSES; i++) if (!names.includes(String(i))) names.push(String(i));
    return names.slice(0, MOST);
  }

  /** The class that is drawn; another one where the scene lacks it. */
  chosen() {
    const names = this.classes();
    return names.includes(this.name) ? this.name : (names[0] ?? "");
  }

  /** Whether points can be drawn on what is shown. */
  possible() {
    return this.fits() && !this.tooMany();
  }

  fits() {
    const scene = this.store.state?.scene;
    if (!scene) return false;
    const columns = scene.columns?.length ?? (scene.kind === "plane" ? 2 : 1);
    return scene.kind === "curve" || (scene.kind === "plane" && columns === 2 && scene.classes !== null);
  }

  /** Whether there are rows that are not among the points: a table of the points would lose them. */
  tooMany() {
    const scene = this.store.state?.scene;
    if (!scene) return false;
    return scene.rows.train > scene.train.points.length || scene.rows.test > scene.test.points.length;
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
    const named = (/** @type {number} */ label) => scene.classes?.[label] ?? "";
    this.points = [scene.train, scene.test].flatMap((part) => part.points.map(([x, y], i) => ({ x, y, name: named(part.y[i]) })));
    this.sent = this.store.state?.document.data.csv ?? "";
    this.kept = null;
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
      this.points.push({ x, y, name: this.chosen() });
      this.before = { x: px, y: py };
    }
  }

  clear() {
    this.points = [];
    this.keep();
  }

  /** Leaves the points on the page, and the server with the data it has. */
  keep() {
    this.kept = this.known();
    this.tell();
  }

  /** Whether there are too few points for a table: none, of one class only, or a class of one, none of it to be tested. */
  tooFew() {
    const names = this.points?.map(({ name }) => name) ?? [];
    if (this.store.state?.scene.kind === "curve") return !names.length;
    const classes = [...new Set(names)];
    return classes.length < 2 || classes.some((name) => names.indexOf(name) === names.lastIndexOf(name));
  }

  /** A stroke is over: the points go to the server as a table, once there is something to tell apart. */
  lift() {
    const scene = this.store.state?.scene;
    if (!scene || !this.points) return;
    if (this.tooFew()) return this.keep();
    this.kept = null;
    this.send(scene, this.points);
    this.tell();
  }

  /** @param {Scene} scene @param {Point[]} points */
  send(scene, points) {
    const curve = scene.kind === "curve";
    const [first, second] = curve ? scene.axes : ["x1", "x2"];
    const row = (/** @type {Point} */ { x, y, name }) => `${rounded(x)},${rounded(y)}${curve ? "" : `,${cell(name)}`}`;
    const csv = [`${cell(first)},${cell(second)}${curve ? "" : ",class"}`, ...points.map(row), ""].join("\n");
    this.sent = csv;
    this.store.change(({ data }) => {
      const { test, seed } = data;
      const standardise = this.synthetic(data.name) ? (data.standardise ?? false) : data.standardise;
      for (const name of Object.keys(data)) data[name] = null;
      const kind = curve ? { target: second, task: "regress" } : { target: "class", task: "classify" };
      Object.assign(data, { name: "table", csv, ...kind, standardise, test, seed });
    });
  }

  /** Whether that data set is drawn by a rule: its rows are as they come, where a table's are standardised. @param {string} name */
  synthetic(name) {
    const entry = this.store.hello?.catalogue.datasets.find((one) => one.name === name);
    return Boolean(entry && "n" in entry.parameters);
  }
}

/** The brush's controls in the data panel. @param {import("./store.js").Store} store @param {Brush} brush */
export function brushControls(store, brush) {
  const label = h("span", { t: "brush.start" });
  const press = { type: "button", "aria-pressed": "false" };
  const toggle = h(
    "button",
    { ...press, class: "wide", "data-testid": "brush", onclick: () => brush.toggle(!brush.on) },
    icon("brush", 18),
    label,
  );
  const why = h("p", { class: "hint", t: "brush.many", "data-testid": "brush-many", hidden: true });
  const classes = h("span", { class: "classes", role: "radiogroup", tLabel: "brush.class" });
  const rub = () => {
    brush.erasing = !brush.erasing;
    brush.tell();
  };
  const erase = h(
    "button",
    { ...press, class: "chip", "data-testid": "erase", onclick: rub },
    icon("erase", 16),
    h("span", { t: "brush.erase" }),
  );
  const wipe = { type: "button", class: "chip", "data-testid": "clear-points", onclick: () => brush.clear() };
  const clear = h("button", { ...wipe, t: "brush.clear" });
  const hint = h("p", { class: "hint", t: "brush.hint", role: "status", "data-testid": "brush-hint" });
  const tools = h("div", { class: "brush-tools", hidden: true }, classes, erase, clear, hint);

  const swatch = (/** @type {string} */ name, /** @type {number} */ i) => {
    const choose = () => {
      brush.name = name;
      brush.erasing = false;
      brush.tell();
    };
    return h("button", {
      type: "button",
      class: "swatch",
      role: "radio",
      "aria-checked": String(brush.chosen() === name && !brush.erasing),
      "aria-label": name,
      "data-testid": `brush-class-${i}`,
      style: { backgroundColor: classColour(i) },
      onclick: choose,
    });
  };
  const refresh = () => {
    toggle.disabled = !brush.possible();
    why.hidden = !brush.fits() || !brush.tooMany();
    toggle.setAttribute("aria-pressed", String(brush.on));
    word(label, "t", brush.on ? "brush.stop" : "brush.start");
    tools.hidden = !brush.on;
    erase.setAttribute("aria-pressed", String(brush.erasing));
    const names = brush.classes();
    classes.hidden = !names.length;
    word(hint, "t", names.length && brush.tooFew() ? "brush.few" : "brush.hint");
    keepFocus(classes, () => classes.replaceChildren(...names.map(swatch)));
  };
  brush.onChange(refresh);
  store.on("theme", refresh);
  refresh();
  return h("div", { class: "group", "data-hide": "brush" }, toggle, why, tools);
}
