/** The large output plane: what the network says everywhere, the points it learns from, and what lies under the pointer. */
import { classColour, signColour } from "./colours.js";
import { h, setText, word } from "./dom.js";
import { figure, percent } from "./figures.js";
import { axisText, paintField, paintOverlay } from "./plane-paint.js";
import { inUnits, nearest, outputsAt, planeView, valueScale } from "./plane-view.js";
import { tick } from "./fields.js";
import { t } from "./words.js";

/** @typedef {import("./network.js").Looking} Looking */
/** @typedef {import("./plane-view.js").View} View */
/**
 * @typedef {object} Brush what the plane needs of the brush
 * @property {() => boolean} active
 * @property {(x: number, y: number, view: View, first: boolean) => void} paint
 * @property {() => void} lift
 * @property {() => {x: number, y: number, label: number}[] | null} drawn
 * @property {(listener: () => void) => void} onChange
 */

/** @param {import("./store.js").Store} store @param {Brush} brush */
export function plane(store, brush) {
  const field = h("canvas", { class: "plane-field" });
  const named = { role: "application", tLabel: "plane.label", "data-testid": "plane" };
  const overlay = h("canvas", { class: "overlay", tabindex: 0, ...named });
  const frameBox = h("div", { class: "plane-frame" }, field, overlay);
  const reading = h("p", { class: "reading figure", "data-testid": "reading" });
  const spoken = h("p", { class: "visually-hidden", role: "status" }); // the reading where the keyboard's cursor stops
  const legend = h("div", { class: "legend" });
  const showing = h("span", { class: "showing" });
  const test = tick(store, {
    key: "plane.showtest",
    name: "show-test",
    read: (d) => d.view.show_test,
    write: (d, on) => (d.view.show_test = on),
  });
  const header = h("header", {}, h("h2", { t: "plane.title" }), showing);
  const under = h("div", { class: "under" }, legend, test);
  const card = h("section", { class: "card output" }, header, frameBox, reading, spoken, under);
  const pen = /** @type {CanvasRenderingContext2D} */ (overlay.getContext("2d"));
  /** @type {Looking} */
  let looking = null;
  /** @type {{x: number, y: number} | null} */
  let pointer = null;
  /** @type {{x: number, y: number} | null} */
  let cursor = null;

  const view = () => (store.state ? planeView(store.state.scene, overlay.clientWidth, overlay.clientHeight) : null);
  const marks = () => ({
    showTest: Boolean(store.document?.view.show_test),
    selected: store.selection,
    drawn: brush.drawn(),
    cursor,
    output: store.frame?.arrays.output ?? null,
  });
  const paintTop = () => {
    const now = view();
    if (now && store.state) paintOverlay(pen, now, store.state.scene, marks());
  };
  const paintBelow = () => {
    if (store.state && store.frame) paintField(field, store.frame, store.state.scene, looking);
  };
  const fit = () => {
    const ratio = devicePixelRatio || 1;
    const wide = Math.round(overlay.clientWidth * ratio);
    const tall = Math.round(overlay.clientHeight * ratio);
    if (overlay.width !== wide || overlay.height !== tall) [overlay.width, overlay.height] = [wide, tall];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    paintTop();
  };
  const read = () => {
    const now = view();
    const scene = store.state?.scene;
    const output = store.frame?.arrays.output;
    const at = pointer ?? (cursor && now ? { x: now.toX(cursor.x), y: now.toY(cursor.y) } : null);
    if (!now || !scene || !at) return setText(reading, t("plane.rest"));
    const x = now.fromX(at.x);
    const y = now.fromY(at.y);
    const found = nearest(scene, now, at.x, at.y, 7, Boolean(store.document?.view.show_test));
    const values = output && outputsAt(output, now, x, y);
    const [first, second] = scene.axes.map(axisText);
    const place = scene.kind === "curve" ? `${first} ${figure(x, 2)}` : `${first} ${figure(x, 2)}  ${second} ${figure(y, 2)}`;
    const numbers = () => (values ?? []).map((value) => figure(inUnits(scene, value))).join(", ");
    const says = values && scene.classes ? likeliest(scene.classes, values, store.state?.loss ?? "") : numbers();
    const target = found && (scene.classes ? scene.classes[found.target] : figure(found.target));
    const point = found ? `  ·  ${t(`plane.${found.part}`)} ${found.row}: ${target}` : "";
    setText(reading, `${place}  →  ${says}${point}`);
  };

  const place = (/** @type {PointerEvent} */ event) => {
    const box = overlay.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const stroke = (/** @type {PointerEvent} */ event, /** @type {boolean} */ first) => {
    const now = view();
    const { x, y } = place(event);
    if (now) brush.paint(now.fromX(x), now.fromY(y), now, first);
    paintTop();
  };
  overlay.addEventListener("pointerdown", (event) => {
    cursor = null;
    pointer = place(event);
    if (brush.active()) {
      event.preventDefault();
      overlay.setPointerCapture(event.pointerId);
      stroke(event, true);
    } else choose(pointer.x, pointer.y, event.pointerType === "touch" ? 18 : 9);
    read();
  });
  overlay.addEventListener("pointermove", (event) => {
    pointer = place(event);
    if (brush.active() && event.buttons) stroke(event, false);
    read();
  });
  overlay.addEventListener("pointerup", () => brush.active() && brush.lift());
  overlay.addEventListener("pointerleave", () => {
    pointer = null;
    read();
  });
  const choose = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ reach) => {
    const now = view();
    const found = now && store.state && nearest(store.state.scene, now, x, y, reach, marks().showTest);
    if (found) store.select(found.row, found.part);
  };
  overlay.addEventListener("keydown", (event) => {
    const now = view();
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!now) return;
    const [x0, x1, y0, y1] = now.window;
    cursor ??= { x: (x0 + x1) / 2, y: (y0 + y1) / 2 };
    pointer = null;
    if (move) {
      const stride = event.shiftKey ? 0.1 : 0.02;
      const x = cursor.x + move[0] * stride * (x1 - x0);
      const y = cursor.y + move[1] * stride * (y1 - y0);
      cursor = { x: Math.min(x1, Math.max(x0, x)), y: Math.min(y1, Math.max(y0, y)) };
    } else if (event.key === "Enter" || event.key === " ") {
      if (brush.active()) {
        brush.paint(cursor.x, cursor.y, now, true);
        brush.lift();
      } else choose(now.toX(cursor.x), now.toY(cursor.y), 40);
    } else return;
    event.preventDefault();
    paintTop();
    read();
    setText(spoken, reading.textContent ?? "");
  });
  overlay.addEventListener("blur", () => {
    cursor = null;
    setText(spoken, "");
    paintTop();
  });

  const explain = () => {
    const scene = store.state?.scene;
    if (!scene) return;
    overlay.classList.toggle("brushing", brush.active());
    if (scene.classes) {
      const colour = (/** @type {number} */ i) => h("i", { style: { backgroundColor: classColour(i) } });
      const entries = scene.classes.slice(0, 10).map((name, i) => h("span", { class: "key" }, colour(i), name));
      legend.replaceChildren(...entries);
    } else if (scene.kind === "curve") {
      const line = h("i", { class: "line", style: { backgroundColor: signColour(-1) } });
      const dot = h("i", { style: { backgroundColor: signColour(1) } });
      const key = (/** @type {Node} */ mark, /** @type {string} */ name) => h("span", { class: "key" }, mark, t(name));
      legend.replaceChildren(key(line, "plane.curve"), key(dot, "plane.data"));
    } else {
      const { middle, half } = valueScale(scene);
      legend.replaceChildren(h("span", { class: "ramp" }, figure(middle - half, 2), h("i"), figure(middle + half, 2)));
    }
  };

  store.on("state", () => (explain(), fit(), paintBelow(), read()));
  store.on("frame", () => {
    paintBelow();
    if (store.state?.scene.kind === "curve") paintTop();
    read();
  });
  store.on("selection", paintTop);
  store.on("document", paintTop);
  store.on("theme", () => (explain(), paintBelow(), fit()));
  store.on("language", () => (explain(), read()));
  brush.onChange(() => (explain(), paintTop()));
  new ResizeObserver(fit).observe(overlay);
  /** @param {Looking} next */
  const look = (next) => {
    looking = next;
    if (next) word(showing, "t", `plane.looking.${next.kind}`);
    else {
      delete showing.dataset.t;
      setText(showing, "");
    }
    paintBelow();
  };
  return { card, look, field, overlay };
}

/**
 * The likeliest class, with its probability, or with its score where the loss gives none.
 * @param {string[]} classes @param {number[]} values @param {string} loss
 */
function likeliest(classes, values, loss) {
  if (values.some(Number.isNaN)) return figure(NaN);
  const all = values.length === 1 ? [1 - values[0], values[0]] : values;
  const best = all.indexOf(Math.max(...all));
  const share = /^(softmax|sigmoid)_cross_entropy/.test(loss) ? percent(all[best]) : figure(all[best]);
  return `${classes[best] ?? best} (${share})`;
}
